-- Operations on limits: how much of what a subject may have.

-- name: limit_account
-- role: directory
SELECT id FROM accounts WHERE jid = $1 AND state <> 'deleted';

-- name: limit_set
-- role: tenant
INSERT INTO limits (tenant_id, id, subject, subject_id, subject_name, what, window_us, amount, created_by)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, subject, subject_id, subject_name, what, window_us) WHERE removed_at IS NULL
DO UPDATE SET amount = excluded.amount, created_by = excluded.created_by
RETURNING id;

-- name: limit_remove
-- role: tenant
UPDATE limits SET removed_at = now()
WHERE subject = $1 AND subject_id IS NOT DISTINCT FROM $2 AND subject_name IS NOT DISTINCT FROM $3 AND what = $4
  AND window_us = $5 AND removed_at IS NULL
RETURNING id;

-- name: limits_list
-- role: tenant
SELECT l.id::text, l.subject, coalesce(a.name, o.jid, l.subject_name), l.what, l.window_us, l.amount, l.created_at,
       CASE WHEN l.subject IN ('plan', 'tenant') THEN l.tenant_id ELSE l.subject_id END
FROM limits l
LEFT JOIN agents a ON l.subject = 'agent' AND a.id = l.subject_id
LEFT JOIN accounts o ON l.subject = 'account' AND o.id = l.subject_id
WHERE l.removed_at IS NULL AND l.subject <> 'grant' AND l.id::text > $1
ORDER BY l.id::text
LIMIT $2;

-- name: plan_allowance
-- role: tenant
-- The tenant's plan, and what stands in its stead.
SELECT t.plan, l.amount
FROM tenants t
LEFT JOIN limits l ON l.subject = 'plan' AND l.what = $1 AND l.window_us = $2 AND l.removed_at IS NULL
WHERE t.id = current_tenant();

-- name: limit_figures
-- role: tenant
-- The same with the tenant's and the agent's own limit, while nobody else counts.
SELECT t.plan,
       (SELECT amount FROM limits WHERE subject = 'plan' AND what = $1 AND window_us = 0 AND removed_at IS NULL),
       (SELECT amount FROM limits WHERE subject = 'tenant' AND what = $1 AND window_us = 0 AND removed_at IS NULL),
       (SELECT amount FROM limits WHERE subject = 'agent' AND subject_id = $2::uuid AND what = $1 AND window_us = 0
                                        AND removed_at IS NULL)
FROM tenants t WHERE t.id = current_tenant()
FOR NO KEY UPDATE OF t;

-- name: limit_find
-- role: tenant
SELECT id, amount FROM limits
WHERE subject = $1 AND subject_id IS NOT DISTINCT FROM $2 AND subject_name IS NOT DISTINCT FROM $3 AND what = $4
  AND window_us = $5 AND removed_at IS NULL;

-- name: owners_jids
-- role: tenant
SELECT a.jid FROM members m JOIN accounts a ON a.id = m.account_id
WHERE m.role = 'owner' AND m.removed_at IS NULL AND a.state = 'active'
ORDER BY a.jid
LIMIT 20;

-- What there is, of the tenant and of one agent.

-- name: count_agents
-- role: tenant
SELECT count(*), count(*) FILTER (WHERE id = $1::uuid) FROM agents WHERE state <> 'deleted';

-- name: count_members
-- role: tenant
SELECT count(*), count(*) FILTER (WHERE account_id = $1::uuid) FROM members WHERE removed_at IS NULL;

-- name: count_keys
-- role: tenant
SELECT count(*), count(*) FILTER (WHERE account_id = $1::uuid) FROM keys
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: count_memory
-- role: tenant
SELECT coalesce(sum(size), 0)::bigint, coalesce(sum(size) FILTER (WHERE agent_id = $1::uuid), 0)::bigint FROM documents;

-- name: count_providers
-- role: tenant
-- Hosts that live agents ask with their present versions; of one agent nothing, which is left out: it may ask another instead.
SELECT count(DISTINCT lower(substring(v.provider_url from '^[^:/]+://(?:[^/?#@]*@)?(\[[^]]*\]|[^/:?#]+)'))), 0::bigint
FROM agents a JOIN agent_versions v ON v.id = a.version_id
WHERE a.state <> 'deleted' AND a.id IS DISTINCT FROM $1::uuid;

-- name: provider_is_new
-- role: tenant
-- Whether no live agent asks the host of the URL $2, or, when that is null, of the present version of the agent $1.
SELECT coalesce(NOT EXISTS (SELECT FROM agents a JOIN agent_versions v ON v.id = a.version_id
                            WHERE a.state <> 'deleted' AND lower(substring(v.provider_url from '^[^:/]+://(?:[^/?#@]*@)?(\[[^]]*\]|[^/:?#]+)')) = wanted.host), false)
FROM (SELECT lower(substring(url from '^[^:/]+://(?:[^/?#@]*@)?(\[[^]]*\]|[^/:?#]+)')) AS host
      FROM (SELECT coalesce($2::text, (SELECT v.provider_url FROM agents a JOIN agent_versions v ON v.id = a.version_id
                                       WHERE a.id = $1::uuid)) AS url) AS given) AS wanted
WHERE wanted.host IS NOT NULL;

-- name: plan_rows
-- role: tenant
-- The tenant's plan, and each row in its stead.
SELECT t.plan, l.what, l.window_us, l.amount
FROM tenants t
LEFT JOIN limits l ON l.subject = 'plan' AND l.removed_at IS NULL
WHERE t.id = current_tenant()
LIMIT 200;
