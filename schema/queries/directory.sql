-- What the directory in memory is made of, and what has changed in it.

-- name: directory_rows
-- role: directory
-- Every row of the directory changed in or after a transaction; '0' reads them all. One shape for all kinds, in the order of
-- DirectoryKind (of persons those whose name was erased), then requests to cancel, then where the next reading begins: one
-- statement has one snapshot, so that whatever these rows do not show yet commits under a number not below its xmin. A
-- subscription's domain stands where an agent's owner does, an agent's name for people where a limit says whose it is, and a
-- tenant's plan, zone and billing day where an agent has its visibility and reason and a limit its window; a tenant's state only
-- when it is destroyed.
SELECT 0 AS kind, state = 'deleted' AS gone, id, NULL::uuid AS tenant_id, slug AS name, state <> 'active' AS suspended,
       NULL AS role, NULL::uuid AS version_id, NULL::uuid AS owner_id, NULL AS owner, plan AS visibility,
       CASE WHEN destroyed_at IS NOT NULL THEN 'destroyed' END AS state,
       zone AS pause_reason, false AS priced, NULL::bytea AS policy_hash, 0::float8 AS priority, NULL::uuid AS agent_id,
       NULL::timestamptz AS not_before, NULL::timestamptz AS expires_at, NULL AS subject, NULL::uuid AS subject_id,
       NULL AS what, billing_day::bigint AS window_us, 0::bigint AS amount, NULL AS policy, NULL AS model
FROM tenants WHERE changed >= $1::text::xid8
UNION ALL
SELECT 1, state = 'deleted', id, NULL, jid, state <> 'active',
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM accounts WHERE changed >= $1::text::xid8
UNION ALL
SELECT 2, removed_at IS NOT NULL, account_id, tenant_id, NULL, false,
       role, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM members WHERE changed >= $1::text::xid8
UNION ALL
SELECT 3, a.state = 'deleted', a.id, a.tenant_id, a.name, false,
       NULL, a.version_id, a.owner_id, o.jid, a.visibility, a.state, a.pause_reason,
       coalesce(v.prompt_price_nano, 0) + coalesce(v.completion_price_nano, 0) > 0
       OR v.model IN (SELECT model FROM prices WHERE charged_nano > 0), v.policy_hash, v.priority_weight,
       NULL, NULL, NULL, v.name, NULL, left(v.description, 300), 0, 0,
       (v.policy - 'guardrails')::text, v.model
FROM agents a
JOIN agent_versions v ON v.tenant_id = a.tenant_id AND v.id = a.version_id
JOIN accounts o ON o.id = a.owner_id
WHERE a.changed >= $1::text::xid8
UNION ALL
-- Agents whose model was given a price; asked of prices alone as long as there is no new one.
SELECT 3, a.state = 'deleted', a.id, a.tenant_id, a.name, false,
       NULL, a.version_id, a.owner_id, o.jid, a.visibility, a.state, a.pause_reason,
       coalesce(v.prompt_price_nano, 0) + coalesce(v.completion_price_nano, 0) > 0
       OR v.model IN (SELECT model FROM prices WHERE charged_nano > 0), v.policy_hash, v.priority_weight,
       NULL, NULL, NULL, v.name, NULL, left(v.description, 300), 0, 0,
       (v.policy - 'guardrails')::text, v.model
FROM agents a
JOIN agent_versions v ON v.tenant_id = a.tenant_id AND v.id = a.version_id
JOIN accounts o ON o.id = a.owner_id
WHERE EXISTS (SELECT FROM prices WHERE changed >= $1::text::xid8) AND $1::text <> '0'
  AND v.model IN (SELECT model FROM prices WHERE changed >= $1::text::xid8)
UNION ALL
SELECT 4, removed_at IS NOT NULL, id, tenant_id, subject, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, agent_id, not_before, expires_at, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM grants WHERE changed >= $1::text::xid8
UNION ALL
SELECT 5, removed_at IS NOT NULL, id, tenant_id, subject_name, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, subject,
       CASE WHEN subject IN ('tenant', 'plan') THEN tenant_id ELSE subject_id END, what, window_us, amount, NULL, NULL
FROM limits WHERE changed >= $1::text::xid8
UNION ALL
SELECT 6, removed_at IS NOT NULL, NULL, tenant_id, jid, false,
       NULL, NULL, NULL, domain, NULL, NULL, NULL, false, NULL, 0, agent_id, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM subscriptions WHERE changed >= $1::text::xid8 AND (removed_at IS NULL OR $1::text <> '0')
UNION ALL
SELECT 7, false, tenant_id, tenant_id, NULL, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, policy_hash, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0,
       (policy - 'guardrails')::text, NULL
FROM policies WHERE changed >= $1::text::xid8
UNION ALL
SELECT 8, true, p.id, p.tenant_id, NULL, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM persons p
WHERE p.changed >= $1::text::xid8 AND p.erased_at IS NOT NULL AND $1::text <> '0'
  AND EXISTS (SELECT FROM tenants t WHERE t.id = p.tenant_id AND t.destroyed_at IS NULL)
UNION ALL
SELECT 9, false, id, tenant_id, NULL, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL
FROM cancelled WHERE changed >= $1::text::xid8 AND $1::text <> '0'
UNION ALL
SELECT 10, false, NULL, NULL, pg_snapshot_xmin(pg_current_snapshot())::text, false,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL;
