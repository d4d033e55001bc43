-- The gate of operations: who calls, what was asked before, and what is written down of it.

-- name: caller_tenants
-- role: directory
-- The tenants a person is a member of, at most two: all of them ($2 empty) or the one of that slug; $3: deleted ones.
SELECT a.id, t.id, t.slug, t.state, m.role
FROM accounts a
JOIN members m ON m.account_id = a.id AND m.removed_at IS NULL
JOIN tenants t ON t.id = m.tenant_id AND (t.state = 'deleted') = $3::boolean AND t.destroyed_at IS NULL
WHERE a.jid = $1 AND a.state = 'active' AND ($2::text = '' OR t.slug = $2)
ORDER BY t.slug
LIMIT 2;

-- name: guest_tenant
-- role: directory
-- Always one row: the active tenant of that slug if there is one, the person's account if there is one, and whether it is in
-- order.
SELECT t.id, a.id, coalesce(a.state, 'active') = 'active'
FROM (VALUES (1)) AS always
LEFT JOIN tenants t ON t.slug = $2 AND t.state = 'active'
LEFT JOIN accounts a ON a.jid = $1;

-- name: caller_roles
-- role: directory
-- A person's account, a row for each of its tenants: the role there, and whether agents there are the person's own.
SELECT a.id, t.slug, t.state, m.role,
       EXISTS (SELECT FROM agents g WHERE g.tenant_id = t.id AND g.owner_id = a.id AND g.state <> 'deleted')
FROM accounts a
LEFT JOIN members m ON m.account_id = a.id AND m.removed_at IS NULL
LEFT JOIN tenants t ON t.id = m.tenant_id AND t.state <> 'deleted'
WHERE a.jid = $1 AND a.state = 'active'
ORDER BY t.slug
LIMIT 200;

-- name: caller_account
-- role: directory
SELECT id, state FROM accounts WHERE jid = $1;

-- name: tenant_by_slug
-- role: directory
-- $2: a deleted one; $3: whatever became of it.
SELECT id, slug, state FROM tenants
WHERE slug = $1 AND ($3::boolean OR ((state = 'deleted') = $2::boolean AND destroyed_at IS NULL));

-- name: operation_lock
-- role: tenant
-- Two requests under one key run one after the other.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 20114));

-- name: operation_stored
-- role: tenant
SELECT id, digest, result, key_id FROM operation_log WHERE request_key = $1 AND outcome = 'success';

-- name: operation_log_add
-- role: tenant
INSERT INTO operation_log (tenant_id, id, request_key, digest, operation, door, person_id, agent_id, severity, outcome,
                           facts, result, key_id, hub)
SELECT current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, number FROM leases WHERE hub = $13;

-- name: agent_find
-- role: tenant
-- The one look-up of an agent by name: absent and not to be seen are both no row. $2 the caller's account, $3 whether the
-- caller sees all of the tenant's agents, $4 and $5 the caller's bare JID and domain, $6 whether a deleted one will do, $7
-- whether the caller is a member, $8 its name should it be one of the tenant's agents, $9 which one of those that had the name,
-- when that is known.
SELECT a.id, a.name, a.owner_id, o.jid, a.visibility, a.state, a.version_id
FROM agents a
JOIN accounts o ON o.id = a.owner_id
WHERE a.name = $1 AND ($6::boolean OR a.state <> 'deleted') AND ($9::uuid IS NULL OR a.id = $9)
  AND ($3::boolean OR a.owner_id = $2 OR a.visibility = 'public'
       OR (a.visibility = 'tenant'
           AND ($7::boolean OR EXISTS (SELECT FROM agents s WHERE s.name = $8 AND s.state <> 'deleted')))
       OR (a.visibility = 'shared'
           AND EXISTS (SELECT FROM grants g
                       WHERE g.agent_id = a.id AND g.removed_at IS NULL
                         AND (g.not_before IS NULL OR g.not_before <= now()) AND (g.expires_at IS NULL OR g.expires_at > now())
                         AND ((g.kind IN ('jid', 'agent') AND g.subject = $4) OR (g.kind = 'domain' AND g.subject = $5)))))
ORDER BY a.state = 'deleted', a.deleted_at DESC
LIMIT 1;

-- name: agent_lock
-- role: tenant
SELECT state, version_id FROM agents WHERE id = $1 FOR UPDATE;

-- name: execution_find
-- role: tenant
SELECT e.id, e.agent_id, e.person_id, a.name FROM executions e JOIN agents a ON a.id = e.agent_id WHERE e.id = $1;

-- name: agent_directory
-- role: tenant
-- What hubs keep of an agent in memory.
SELECT a.id, a.tenant_id, a.name, a.version_id, a.owner_id, o.jid, a.visibility, a.state, a.pause_reason,
       coalesce(v.prompt_price_nano, 0) + coalesce(v.completion_price_nano, 0) > 0, v.policy_hash, v.priority_weight,
       left(v.description, 300), v.name, v.policy::text, v.model
FROM agents a
JOIN accounts o ON o.id = a.owner_id
JOIN agent_versions v ON v.id = a.version_id
WHERE a.id = $1;
