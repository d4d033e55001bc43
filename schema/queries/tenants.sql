-- How people come to tenants, what they say of themselves, and how tenants go.

-- name: tenant_made_by
-- role: tenant
-- Who registered it without a code: once a person.
UPDATE tenants SET made_by = $1 WHERE id = current_tenant();

-- name: registered_tenant
-- role: directory
-- What a person has registered without a code, until it is destroyed.
SELECT t.slug, t.name, t.state, t.destroy_at
FROM accounts a JOIN tenants t ON t.made_by = a.id AND t.destroyed_at IS NULL
WHERE a.jid = $1;

-- name: tenant_delete
-- role: tenant
UPDATE tenants SET state = 'deleted', deleted_at = now(), destroy_at = now() + make_interval(days => $1), updated_at = now()
WHERE id = current_tenant() AND state <> 'deleted'
RETURNING destroy_at;

-- name: tenant_restore
-- role: tenant
UPDATE tenants SET state = 'active', deleted_at = NULL, destroy_at = NULL, updated_at = now()
WHERE id = current_tenant() AND state = 'deleted' AND destroyed_at IS NULL AND destroy_at > now();

-- name: invite_add
-- role: tenant
INSERT INTO invites (tenant_id, id, hash, role, jid, uses, created_by, expires_at)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::integer))
RETURNING expires_at;

-- name: invites_list
-- role: tenant
SELECT i.id, i.role, i.jid, i.uses, i.used, a.jid, i.created_at, i.expires_at,
       CASE WHEN i.revoked_at IS NOT NULL THEN 'revoked' WHEN i.expires_at <= now() THEN 'expired'
            WHEN i.used >= i.uses THEN 'used' ELSE 'open' END
FROM invites i LEFT JOIN accounts a ON a.id = i.created_by
WHERE $1::uuid IS NULL OR i.id > $1
ORDER BY i.id
LIMIT $2;

-- name: invite_revoke
-- role: tenant
UPDATE invites SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING role;

-- name: invite_tenant
-- role: directory
-- Whose invitation a code is.
SELECT i.tenant_id, t.slug, t.state, t.name FROM invites i JOIN tenants t ON t.id = i.tenant_id
WHERE i.hash = $1 AND t.state <> 'deleted';

-- name: invite_take
-- role: tenant
-- The last: a platform admin made it.
SELECT t.verdict, t.granted, t.invite, i.created_by IS NULL
FROM take_invite($1, $2, false) AS t LEFT JOIN invites i ON i.id = t.invite;

-- name: invite_take_workspace
-- role: tenant
SELECT take_workspace_invite($1, $2);

-- name: profile_read
-- role: tenant
-- Only as the installation.
SELECT a.id, a.name, a.email, a.created_at, p.locale, p.time_zone, p.picture, p.picture_type, p.email_proved_at,
       p.code_sent_at
FROM accounts a LEFT JOIN profiles p ON p.account_id = a.id
WHERE a.jid = $1 AND a.state = 'active';

-- name: profile_put
-- role: tenant
-- Whatever is null stays; $7 forgets the picture.
INSERT INTO profiles AS p (account_id, locale, time_zone, picture, picture_type) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE
SET locale = coalesce(excluded.locale, p.locale), time_zone = coalesce(excluded.time_zone, p.time_zone),
    picture = CASE WHEN $6::boolean THEN NULL ELSE coalesce(excluded.picture, p.picture) END,
    picture_type = CASE WHEN $6 THEN NULL ELSE coalesce(excluded.picture_type, p.picture_type) END, updated_at = now();

-- name: profile_name
-- role: tenant
UPDATE accounts SET name = $2, updated_at = now() WHERE id = $1;

-- name: profile_email
-- role: tenant
UPDATE accounts SET email = $2, updated_at = now() WHERE id = $1;

-- name: profile_code
-- role: tenant
-- A new address is unproved; $2 the hash of the code that was sent to it, null when none was.
UPDATE profiles SET email_proved_at = NULL, code_hash = $2::bytea, code_sent_at = CASE WHEN $2::bytea IS NOT NULL THEN now() END,
                    code_tries = 0
WHERE account_id = $1;

-- name: profile_try
-- role: tenant
-- Counts a try before it is known to be right, in a transaction of its own.
UPDATE profiles SET code_tries = code_tries + 1
WHERE account_id = $1 AND code_hash IS NOT NULL AND code_tries < 5 AND code_sent_at > now() - interval '1 hour'
RETURNING code_hash;

-- name: profile_prove
-- role: tenant
UPDATE profiles SET email_proved_at = now(), code_hash = NULL, updated_at = now() WHERE account_id = $1;

-- name: time_zone_exists
-- role: tenant
SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1);

-- name: keep_tenants_due
-- role: owner
-- Tenants whose time to be restored is over.
SELECT id, slug FROM tenants WHERE state = 'deleted' AND destroy_at < now() AND destroyed_at IS NULL ORDER BY destroy_at;

-- name: keep_tenant_destroy
-- role: owner
SELECT destroy_tenant($1);

-- name: export_readable
-- role: tenant
-- The agents whose prompts and messages somebody may read: his own, and those that a grant lets him; of those that somebody
-- else than their owner gave away, what came after that. $2 and $3: his bare JID and domain.
SELECT a.id FROM agents a
WHERE a.owner_id = $1
   OR EXISTS (SELECT FROM grants g
              WHERE g.agent_id = a.id AND g.read_bodies AND g.removed_at IS NULL
                AND (g.not_before IS NULL OR g.not_before <= now()) AND (g.expires_at IS NULL OR g.expires_at > now())
                AND ((g.kind = 'jid' AND g.subject = $2) OR (g.kind = 'domain' AND g.subject = $3)));

-- Pages of a tenant's export: where the next page begins, and a record; then what is sealed in it, with whether it may be read.

-- name: export_tenant
-- role: tenant
SELECT t.slug, jsonb_build_object('slug', t.slug, 'name', t.name, 'plan', t.plan, 'settings', t.settings,
                                  'created_at', t.created_at)::text
FROM tenants t WHERE t.id = current_tenant() AND $1::text = '' AND $2::integer > 0;

-- name: export_members
-- role: tenant
SELECT a.jid, jsonb_build_object('jid', a.jid, 'name', a.name, 'role', m.role, 'since', m.created_at,
                                 'removed_at', m.removed_at)::text
FROM members m JOIN accounts a ON a.id = m.account_id
WHERE a.jid > $1 ORDER BY a.jid LIMIT $2;

-- name: export_invites
-- role: tenant
SELECT i.id::text, jsonb_build_object('id', i.id, 'role', i.role, 'jid', i.jid, 'uses', i.uses, 'used', i.used,
                                      'created_at', i.created_at, 'expires_at', i.expires_at,
                                      'revoked_at', i.revoked_at)::text
FROM invites i WHERE $1 = '' OR i.id > nullif($1, '')::uuid ORDER BY i.id LIMIT $2;

-- name: export_agents
-- role: tenant
SELECT a.id::text, jsonb_build_object('id', a.id, 'name', a.name, 'owner', o.jid, 'visibility', a.visibility,
                                      'state', a.state, 'pause_reason', a.pause_reason, 'created_at', a.created_at,
                                      'deleted_at', a.deleted_at)::text
FROM agents a JOIN accounts o ON o.id = a.owner_id
WHERE $1 = '' OR a.id > nullif($1, '')::uuid ORDER BY a.id LIMIT $2;

-- name: export_versions
-- role: tenant
SELECT v.id::text, (to_jsonb(v) - '{tenant_id,id,system_prompt,prompt_hidden,key_id,policy_hash,created_by,owner_id}'::text[]
                    || jsonb_build_object('policy_hash', encode(v.policy_hash, 'hex')))::text,
       v.agent_id = ANY ($3::uuid[]) AND NOT v.prompt_hidden AND (a.read_from IS NULL OR v.created_at > a.read_from),
       v.id, v.key_id, v.system_prompt
FROM agent_versions v JOIN agents a ON a.id = v.agent_id WHERE $1 = '' OR v.id > nullif($1, '')::uuid ORDER BY v.id LIMIT $2;

-- name: export_grants
-- role: tenant
SELECT g.id::text, jsonb_build_object('agent_id', g.agent_id, 'who', g.subject, 'read_bodies', g.read_bodies,
                                      'not_before', g.not_before, 'expires_at', g.expires_at,
                                      'created_at', g.created_at, 'removed_at', g.removed_at)::text
FROM grants g WHERE $1 = '' OR g.id > nullif($1, '')::uuid ORDER BY g.id LIMIT $2;

-- name: export_limits
-- role: tenant
SELECT l.id::text, jsonb_build_object('subject', l.subject, 'subject_id', l.subject_id, 'name', l.subject_name,
                                      'what', l.what, 'window_us', l.window_us, 'amount', l.amount)::text
FROM limits l WHERE l.removed_at IS NULL AND ($1 = '' OR l.id > nullif($1, '')::uuid) ORDER BY l.id LIMIT $2;

-- name: export_policy
-- role: tenant
SELECT 'policy', p.policy::text FROM policies p WHERE $1::text = '' AND $2::integer > 0;

-- name: export_subscriptions
-- role: tenant
SELECT s.agent_id || ' ' || s.jid, jsonb_build_object('agent_id', s.agent_id, 'jid', s.jid, 'state', s.state)::text
FROM subscriptions s WHERE s.removed_at IS NULL AND s.agent_id || ' ' || s.jid > $1
ORDER BY s.agent_id || ' ' || s.jid LIMIT $2;

-- name: export_documents
-- role: tenant
SELECT d.id::text, jsonb_build_object('id', d.id, 'agent_id', d.agent_id, 'name', d.name, 'source', d.source,
                                      'format', d.format, 'language', d.language, 'created_at', d.created_at)::text
FROM documents d WHERE $1 = '' OR d.id > nullif($1, '')::uuid ORDER BY d.id LIMIT $2;

-- name: export_passages
-- role: tenant
SELECT p.document_id || ' ' || lpad(p.number::text, 10, '0'),
       (jsonb_build_object('document_id', p.document_id, 'number', p.number)
        || CASE WHEN r.able THEN jsonb_build_object('heading', p.heading, 'content', p.content) ELSE '{}' END)::text,
       r.able
FROM passages p JOIN documents d ON d.id = p.document_id JOIN agents a ON a.id = p.agent_id,
     LATERAL (SELECT p.agent_id = ANY ($3::uuid[]) AND (a.read_from IS NULL OR d.created_at > a.read_from) AS able) AS r
WHERE p.document_id || ' ' || lpad(p.number::text, 10, '0') > $1
ORDER BY p.document_id || ' ' || lpad(p.number::text, 10, '0') LIMIT $2;

-- name: export_executions
-- role: tenant
SELECT e.id::text, (to_jsonb(e) - '{tenant_id,hub,key_id,body,reply_to,answer_key_id,answer,explanation,policy_hash}'::text[])::text,
       e.agent_id = ANY ($3::uuid[]) AND (a.read_from IS NULL OR e.created_at > a.read_from), e.id, e.key_id, e.body, e.answer_key_id, e.answer, e.explanation, e.person_id, p.key_id, p.jid
FROM executions e LEFT JOIN persons p ON p.id = e.person_id LEFT JOIN agents a ON a.id = e.agent_id
WHERE $1 = '' OR e.id > nullif($1, '')::uuid ORDER BY e.id LIMIT $2;

-- name: export_feedback
-- role: tenant
SELECT f.message_id || ' ' || f.person_id, jsonb_build_object('message_id', f.message_id, 'person_id', f.person_id,
                                                              'reactions', f.reactions, 'at', f.updated_at)::text
FROM feedback f WHERE f.message_id || ' ' || f.person_id > $1 ORDER BY f.message_id || ' ' || f.person_id LIMIT $2;
