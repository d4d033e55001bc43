-- Operations on agents, their versions and grants. A version is one document whose members have the names of the fields of
-- version_fields; here they become columns, and columns become the document.

-- name: agent_add
-- role: tenant
INSERT INTO agents (tenant_id, id, name, owner_id, visibility, version_id)
VALUES (current_tenant(), $1, $2, $3, $4, $5);

-- name: agent_version_add
-- role: tenant
INSERT INTO agent_versions (tenant_id, id, agent_id, number, owner_id, created_by, system_prompt, key_id, policy_hash,
                            name, description, goal, constraints, personality_traits, model, temperature, max_tokens,
                            worker_pool, domain_tags, priority_weight, memory, tools, governance, prompt_price_nano,
                            completion_price_nano, streaming, provider_url, provider_key, policy, prompt_hidden)
SELECT current_tenant(), $1, $2, coalesce((SELECT max(number) FROM agent_versions WHERE agent_id = $2), 0) + 1, $3, $4, $5, $6,
       $7, d->>'display_name', coalesce(d->>'description', ''), coalesce(d->>'goal', ''),
       ARRAY(SELECT jsonb_array_elements_text(coalesce(d->'constraints', '[]'))),
       ARRAY(SELECT jsonb_array_elements_text(coalesce(d->'personality', '[]'))),
       d->>'model', (d->>'temperature')::double precision, (d->>'max_tokens')::integer, d->>'pool',
       ARRAY(SELECT jsonb_array_elements_text(coalesce(d->'tags', '[]'))), (d->>'priority')::double precision,
       jsonb_build_object('type', d->'memory', 'short_term_limit', d->'memory_messages'),
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', tool))
                 FROM jsonb_array_elements_text(coalesce(d->'tools', '[]')) AS tool), '[]'),
       jsonb_build_object('allowed_domains', coalesce(d->'allowed_domains', '[]')),
       round((d->>'prompt_price')::numeric * 1000000000)::bigint,
       round((d->>'completion_price')::numeric * 1000000000)::bigint, coalesce((d->>'streaming')::boolean, false),
       nullif(d->>'provider_url', ''), nullif(d->>'provider_key', ''),
       (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(d)
        WHERE key IN ('allowed_models', 'sender_domains', 'hours', 'max_output', 'guardrails', 'approval_tools')
          AND value NOT IN ('null', '""', '[]', '0')), $9
FROM (SELECT $8::jsonb AS d) AS document
RETURNING number;

-- name: agent_version_read
-- role: tenant
-- The newest ($2 null), or the one of that number; the document, and beside it what is not part of it.
SELECT v.id, v.number, v.owner_id, v.system_prompt, v.key_id, v.created_at,
       (jsonb_build_object('display_name', v.name, 'description', v.description, 'goal', v.goal,
                          'constraints', to_jsonb(v.constraints), 'personality', to_jsonb(v.personality_traits),
                          'model', v.model, 'temperature', v.temperature, 'max_tokens', v.max_tokens,
                          'pool', v.worker_pool, 'tags', to_jsonb(v.domain_tags), 'priority', v.priority_weight,
                          'memory', v.memory->'type', 'memory_messages', v.memory->'short_term_limit',
                          'tools', coalesce((SELECT jsonb_agg(tool->'name') FROM jsonb_array_elements(v.tools) AS tool), '[]'),
                          'provider_url', coalesce(v.provider_url, ''), 'provider_key', coalesce(v.provider_key, ''),
                          'streaming', v.streaming, 'allowed_domains', v.governance->'allowed_domains',
                          'prompt_price', v.prompt_price_nano / 1000000000.0,
                          'completion_price', v.completion_price_nano / 1000000000.0,
                          'allowed_models', '[]'::jsonb, 'sender_domains', '[]'::jsonb, 'hours', '', 'max_output', NULL,
                          'guardrails', '', 'approval_tools', '[]'::jsonb) || v.policy)::text,
       encode(v.policy_hash, 'hex'), v.prompt_hidden OR coalesce(v.created_at <= a.read_from, false)
FROM agent_versions v JOIN agents a ON a.id = v.agent_id
WHERE v.agent_id = $1 AND CASE WHEN $2::integer IS NULL THEN v.id = a.version_id ELSE v.number = $2 END;

-- name: agent_read
-- role: tenant
SELECT a.name, o.jid, a.visibility, a.state, a.pause_reason, a.created_at, a.updated_at, a.deleted_at,
       (SELECT count(*) FROM agent_versions v WHERE v.agent_id = a.id), (SELECT count(*) FROM documents d WHERE d.agent_id = a.id)
FROM agents a JOIN accounts o ON o.id = a.owner_id
WHERE a.id = $1;

-- name: agents_list
-- role: tenant
-- $1 account, $2 sees all, $3 bare JID, $4 domain: as in agent_find. $5 after, $6 limit, $7 state or null for all that are
-- not deleted, $8 owner's JID or null.
SELECT a.name, a.state, a.visibility, o.jid, v.model, v.name, v.number, a.created_at
FROM agents a
JOIN accounts o ON o.id = a.owner_id
JOIN agent_versions v ON v.id = a.version_id
WHERE a.name > $5 AND CASE WHEN $7::text IS NULL THEN a.state <> 'deleted' ELSE a.state = $7 END
  AND ($8::text IS NULL OR o.jid = $8)
  AND ($2::boolean OR a.owner_id = $1 OR a.visibility IN ('tenant', 'public')
       OR (a.visibility = 'shared'
           AND EXISTS (SELECT FROM grants g
                       WHERE g.agent_id = a.id AND g.removed_at IS NULL
                         AND (g.not_before IS NULL OR g.not_before <= now()) AND (g.expires_at IS NULL OR g.expires_at > now())
                         AND ((g.kind = 'jid' AND g.subject = $3) OR (g.kind = 'domain' AND g.subject = $4)))))
ORDER BY a.name
LIMIT $6;

-- name: agent_change
-- role: tenant
-- $6: the new owner reads what comes from now on.
UPDATE agents SET name = coalesce($2, name), owner_id = coalesce($3, owner_id), visibility = coalesce($4, visibility),
                  version_id = coalesce($5, version_id), updated_at = now(),
                  read_from = CASE WHEN $6 THEN clock_timestamp() ELSE read_from END
WHERE id = $1;

-- name: agent_set_state
-- role: tenant
UPDATE agents SET state = $2, pause_reason = $3, deleted_at = CASE WHEN $2 = 'deleted' THEN now() END, updated_at = now()
WHERE id = $1;

-- name: grant_add
-- role: tenant
INSERT INTO grants (tenant_id, id, agent_id, kind, subject, read_bodies, not_before, expires_at, created_by)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8);

-- name: grant_find
-- role: tenant
SELECT id FROM grants WHERE agent_id = $1 AND subject = $2 AND removed_at IS NULL FOR UPDATE;

-- name: grant_remove
-- role: tenant
UPDATE grants SET removed_at = now() WHERE id = $1;

-- name: grants_list
-- role: tenant
SELECT g.subject, g.kind, g.read_bodies, g.not_before, g.expires_at, g.created_at, l.amount,
       (SELECT jsonb_agg(jsonb_build_object('what', o.what, 'window_us', o.window_us, 'amount', o.amount)
                         ORDER BY o.what, o.window_us)::text
        FROM limits o WHERE o.subject = 'grant' AND o.subject_id = g.id AND o.removed_at IS NULL)
FROM grants g
LEFT JOIN limits l ON l.subject = 'grant' AND l.subject_id = g.id AND l.what = 'messages' AND l.removed_at IS NULL
                  AND l.window_us = 60000000
WHERE g.agent_id = $1 AND g.removed_at IS NULL AND g.subject > $2
ORDER BY g.subject
LIMIT $3;

-- name: grant_limit_add
-- role: tenant
INSERT INTO limits (tenant_id, id, subject, subject_id, what, window_us, amount, created_by)
VALUES (current_tenant(), $1, 'grant', $2, 'messages', 60000000, $3, $4);

-- name: grant_limits_remove
-- role: tenant
UPDATE limits SET removed_at = now() WHERE subject = 'grant' AND subject_id = $1 AND removed_at IS NULL RETURNING id;

-- name: may_read_bodies
-- role: tenant
-- Whether somebody reads what was written to an agent at a time, $5: its owner, or by a grant that was made by who could read
-- it himself. $2 the account, $3 the bare JID, $4 the domain.
SELECT (a.owner_id = $2 AND (a.read_from IS NULL OR $5::timestamptz > a.read_from))
    OR EXISTS (SELECT FROM grants g
               WHERE g.agent_id = a.id AND g.read_bodies AND g.removed_at IS NULL
                 AND (g.not_before IS NULL OR g.not_before <= now()) AND (g.expires_at IS NULL OR g.expires_at > now())
                 AND ((g.kind = 'jid' AND g.subject = $3) OR (g.kind = 'domain' AND g.subject = $4))
                 AND (a.read_from IS NULL OR g.created_at <= a.read_from OR $5 > a.read_from))
FROM agents a WHERE a.id = $1;

-- name: subscription_put
-- role: tenant
-- Changes nothing when it is there already, and when the agent has $4 of them.
INSERT INTO subscriptions (tenant_id, agent_id, jid, domain)
SELECT current_tenant(), $1, $2, $3
WHERE $4 > (SELECT count(*) FROM (SELECT FROM subscriptions WHERE agent_id = $1 AND removed_at IS NULL LIMIT $4) AS held)
ON CONFLICT (tenant_id, agent_id, jid, domain) DO UPDATE SET removed_at = NULL, updated_at = now()
WHERE subscriptions.removed_at IS NOT NULL;

-- name: subscription_find
-- role: tenant
SELECT updated_at FROM subscriptions WHERE agent_id = $1 AND jid = $2 AND domain = $3 AND removed_at IS NULL;

-- name: subscriptions_remove
-- role: tenant
-- Of these people, at one domain or ($3 null) at all of them.
UPDATE subscriptions SET removed_at = now(), updated_at = now()
WHERE agent_id = $1 AND jid = ANY ($2::text[]) AND ($3::text IS NULL OR domain = $3) AND removed_at IS NULL
RETURNING jid, domain;

-- name: subscriptions_end
-- role: tenant
-- Of a deleted agent: should it be restored, people subscribe anew.
UPDATE subscriptions SET removed_at = now(), updated_at = now() WHERE agent_id = $1 AND removed_at IS NULL;

-- name: subscriptions_list
-- role: tenant
SELECT jid, string_agg(domain, ' ' ORDER BY domain), min(updated_at) FROM subscriptions
WHERE agent_id = $1 AND removed_at IS NULL AND jid > $2
GROUP BY jid
ORDER BY jid
LIMIT $3;
