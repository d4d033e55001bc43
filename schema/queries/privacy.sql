-- A person's own: what there is of it in a tenant, its erasure there, and that of its account everywhere.

-- name: person_known
-- role: tenant
SELECT erased_up_to FROM persons WHERE id = $1;

-- name: person_messages
-- role: tenant
-- Oldest first, after $2 or from the first; of who came back after an erasure, what was written since.
SELECT e.id, g.name, e.status, e.created_at, e.concluded_at, e.prompt_tokens, e.completion_tokens, e.cost_nano, e.key_id, e.body,
       e.answer_key_id, e.answer, e.explanation
FROM executions e LEFT JOIN agents g ON g.id = e.agent_id
WHERE e.person_id = $1 AND ($2::uuid IS NULL OR e.id > $2)
  AND NOT EXISTS (SELECT FROM persons p WHERE p.id = $1 AND p.erased_up_to >= e.id)
ORDER BY e.id LIMIT $3;

-- name: person_membership
-- role: tenant
SELECT m.role, m.created_at, a.name, a.email
FROM members m JOIN accounts a ON a.id = m.account_id WHERE a.jid = $1 AND m.removed_at IS NULL;

-- name: person_subscriptions
-- role: tenant
SELECT g.name, s.domain, s.updated_at FROM subscriptions s JOIN agents g ON g.id = s.agent_id
WHERE s.jid = $1 AND s.removed_at IS NULL ORDER BY g.name, s.domain;

-- name: person_grants
-- role: tenant
SELECT g.name, r.read_bodies, r.created_at, r.expires_at FROM grants r JOIN agents g ON g.id = r.agent_id
WHERE r.kind = 'jid' AND r.subject = $1 AND r.removed_at IS NULL ORDER BY g.name;

-- name: person_feedback
-- role: tenant
SELECT f.message_id, g.name, f.reactions, f.updated_at FROM feedback f JOIN agents g ON g.id = f.agent_id
WHERE f.person_id = $1 ORDER BY f.message_id;

-- name: person_operations
-- role: tenant
SELECT count(*), min(o.at), max(o.at) FROM operation_log o
WHERE o.person_id = $1 AND NOT EXISTS (SELECT FROM persons p WHERE p.id = $1 AND p.erased_up_to >= o.id);

-- name: person_open
-- role: tenant
-- Messages that are not concluded, but for the one that asks ($2).
SELECT a.id FROM accepted a
WHERE a.person_id = $1 AND a.id <> $2 AND NOT EXISTS (SELECT FROM concluded c WHERE c.id = a.id) LIMIT 200;

-- name: person_forget
-- role: tenant
-- A throttle that is over goes with the next `aiox keep`; one in force stays until it is over, or erasing would lift it.
WITH opinions AS (DELETE FROM feedback WHERE person_id = $1 RETURNING 1),
     starts AS (DELETE FROM conversation_starts WHERE person_id = $1 RETURNING 1),
     invited AS (UPDATE invites SET jid = 'erased', revoked_at = coalesce(revoked_at, now()) WHERE jid = $2 RETURNING 1),
     throttled AS (UPDATE limits SET removed_at = removed_at - interval '2 days'
                   WHERE subject = 'sender' AND subject_name = $2 AND removed_at IS NOT NULL)
SELECT (SELECT count(*) FROM opinions), (SELECT count(*) FROM starts), (SELECT count(*) FROM invited);

-- name: person_unsubscribe
-- role: tenant
-- By a date that lets the next `aiox keep` remove the rows themselves; hubs see them go before.
UPDATE subscriptions SET removed_at = now() - interval '8 days', updated_at = now() WHERE jid = $1 RETURNING agent_id, domain;

-- name: person_ungrant
-- role: tenant
UPDATE grants SET subject = 'erased', removed_at = coalesce(removed_at, now())
WHERE kind = 'jid' AND subject = $1 RETURNING id, agent_id;

-- name: erasure_begin
-- role: tenant
INSERT INTO erasures (tenant_id, person_id, up_to, except_id, operation) VALUES (current_tenant(), $1, $2, $3, $4)
ON CONFLICT (tenant_id, person_id) DO UPDATE SET up_to = excluded.up_to, except_id = excluded.except_id,
                                                 operation = excluded.operation, named = true, begun_at = now();

-- name: erasures_left
-- role: directory
-- Those that nobody can be at any more.
SELECT tenant_id, person_id, up_to, except_id, operation, named FROM erasures
WHERE begun_at < now() - $1::integer * interval '1 second';

-- name: erasure_note
-- role: tenant
-- For the audit, in place of the operation that was broken off.
INSERT INTO operation_log (tenant_id, id, request_key, digest, operation, door, severity, outcome, facts, hub)
SELECT current_tenant(), $1, $1::uuid::text, sha256($2::uuid::text::bytea), $3, 'keep', 'warning', 'success',
       format('{"person":"%s"}', $2::uuid), number
FROM leases ORDER BY number LIMIT 1
ON CONFLICT DO NOTHING;

-- name: erasure_end
-- role: eraser
-- But for the message that asked, which `aiox keep` erases when it is concluded.
WITH left_over AS (UPDATE erasures e SET named = false
                   WHERE e.person_id = $1 AND EXISTS (SELECT FROM accepted a WHERE a.id = e.except_id))
DELETE FROM erasures e WHERE e.person_id = $1 AND NOT EXISTS (SELECT FROM accepted a WHERE a.id = e.except_id);

-- name: erasure_asked
-- role: eraser
-- Whether the message that asked is concluded; no row: it is there no more.
SELECT EXISTS (SELECT FROM concluded c WHERE c.id = a.id) FROM accepted a WHERE a.id = $1;

-- name: erasure_over
-- role: eraser
DELETE FROM erasures WHERE person_id = $1 AND NOT named;

-- name: erase_next
-- role: eraser
-- Of a person, up to $2, but for the message that asks ($3).
SELECT id FROM accepted WHERE person_id = $1 AND id <= $2 AND id <> $3 AND key_id <> 0 ORDER BY id LIMIT $4;

-- name: erase_accepted
-- role: eraser
UPDATE accepted SET body = NULL, reply_to = NULL, key_id = 0 WHERE id = ANY ($1::uuid[]);

-- name: erase_concluded
-- role: eraser
UPDATE concluded SET answer = NULL, explanation = NULL, key_id = 0 WHERE id = ANY ($1::uuid[]);

-- name: erase_steps
-- role: eraser
UPDATE steps SET payload = NULL, key_id = 0 WHERE message_id = ANY ($1::uuid[]);

-- name: erase_results
-- role: eraser
-- What operations answered, which may name anybody; whoever repeats one of them is told that it was done.
UPDATE operation_log SET result = NULL, key_id = 0 WHERE key_id <> 0 AND at < now();

-- name: erase_person
-- role: eraser
UPDATE persons SET jid = NULL, erased_at = now(), erased_up_to = $2 WHERE id = $1;

-- name: kept_tenants
-- role: directory
-- Where something of a person may be kept.
SELECT id, state = 'deleted' FROM tenants WHERE destroyed_at IS NULL ORDER BY id;

-- name: kept_persons
-- role: journal
-- In which of the tenants $1 there is something of the person with the id of $2, by place.
SELECT g.place
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS g(tenant_id, person_id, place)
WHERE EXISTS (SELECT FROM persons p WHERE p.tenant_id = g.tenant_id AND p.id = g.person_id AND p.erased_at IS NULL)
   OR EXISTS (SELECT FROM operation_log o WHERE o.tenant_id = g.tenant_id AND o.person_id = g.person_id AND o.key_id <> 0)
   OR EXISTS (SELECT FROM accepted a WHERE a.tenant_id = g.tenant_id AND a.person_id = g.person_id AND a.key_id <> 0);

-- name: kept_names
-- role: directory
-- Tenants that name an account or its address.
SELECT tenant_id FROM members WHERE account_id = $1 AND removed_at IS NULL
UNION SELECT tenant_id FROM keys WHERE account_id = $1
UNION SELECT tenant_id FROM subscriptions WHERE jid = $2
UNION SELECT tenant_id FROM grants WHERE kind = 'jid' AND subject = $2
UNION SELECT tenant_id FROM invites WHERE jid = $2
UNION SELECT tenant_id FROM limits WHERE subject = 'sender' AND subject_name = $2;

-- name: account_limited
-- role: directory
SELECT id FROM limits WHERE subject = 'account' AND subject_id = $1 AND removed_at IS NULL LIMIT 1;

-- name: account_hindrances
-- role: directory
-- Tenants that an account cannot leave yet: whether it is the last owner, and how many agents it owns.
SELECT * FROM (
        SELECT t.slug, m.role = 'owner' AND NOT EXISTS (
                       SELECT FROM members o
                       WHERE o.tenant_id = m.tenant_id AND o.account_id <> m.account_id AND o.role = 'owner'
                         AND o.removed_at IS NULL) AS last,
               (SELECT count(*) FROM agents g
                WHERE g.tenant_id = m.tenant_id AND g.owner_id = m.account_id AND g.state <> 'deleted') AS agents
        FROM members m JOIN tenants t ON t.id = m.tenant_id
        WHERE m.account_id = $1 AND m.removed_at IS NULL AND t.state <> 'deleted') AS each
WHERE last OR agents > 0
ORDER BY slug;

-- name: account_lock
-- role: tenant
-- Only as the installation.
SELECT state FROM accounts WHERE id = $1 FOR UPDATE;

-- name: keys_end
-- role: tenant
DELETE FROM keys WHERE account_id = $1;

-- name: account_unlimit
-- role: tenant
UPDATE limits SET removed_at = now() WHERE subject = 'account' AND subject_id = $1 AND removed_at IS NULL RETURNING id;

-- name: profile_erase
-- role: tenant
DELETE FROM profiles WHERE account_id = $1;

-- name: account_erase
-- role: tenant
-- What is left leads to nobody, and is no address that anybody could have.
UPDATE accounts SET jid = 'erased:' || id, name = NULL, email = NULL, reason = NULL, state = 'deleted', updated_at = now()
WHERE id = $1;

-- name: erase_old
-- role: journal
-- Messages of the tenants $2 that were concluded more than $1 days ago and still hold what is sealed.
SELECT a.tenant_id, a.id FROM accepted a
WHERE a.id < lowest_id(current_date - $1::integer)::uuid AND a.key_id <> 0 AND a.tenant_id = ANY ($2::uuid[])
  AND EXISTS (SELECT FROM concluded c WHERE c.id = a.id AND c.concluded_at < current_date - $1::integer)
ORDER BY a.tenant_id, a.id LIMIT 5000;
