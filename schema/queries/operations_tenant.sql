-- Operations on tenants, their members, and accounts.

-- name: tenant_add
-- role: tenant
INSERT INTO tenants (id, slug, name, plan) VALUES ($1, $2, $3, $4);

-- name: tenants_list
-- role: directory
-- All ($1 null), or those of one account; $4: deleted ones that may still be restored.
SELECT t.id, t.slug, t.name, t.plan, t.state, t.created_at, coalesce(m.role, '')
FROM tenants t
LEFT JOIN members m ON m.tenant_id = t.id AND m.account_id = $1 AND m.removed_at IS NULL
WHERE t.slug > $2 AND (t.state = 'deleted') = $4::boolean AND t.destroyed_at IS NULL
  AND ($1::uuid IS NULL OR m.role IS NOT NULL)
ORDER BY t.slug
LIMIT $3;

-- name: tenant_read
-- role: tenant
SELECT t.id, t.slug, t.name, t.plan, t.state, t.created_at, t.updated_at,
       (SELECT count(*) FROM members WHERE removed_at IS NULL), (SELECT count(*) FROM agents WHERE state <> 'deleted'),
       t.zone, t.billing_day
FROM tenants t WHERE t.id = current_tenant();

-- name: tenant_change
-- role: tenant
UPDATE tenants SET name = coalesce($1, name), plan = coalesce($2, plan), state = coalesce($3, state),
                   zone = coalesce($4, zone), billing_day = coalesce($5, billing_day), updated_at = now()
WHERE id = current_tenant();

-- name: member_put
-- role: tenant
INSERT INTO members (tenant_id, account_id, role) VALUES (current_tenant(), $1, $2)
ON CONFLICT (tenant_id, account_id) DO UPDATE SET role = excluded.role, removed_at = NULL;

-- name: member_find
-- role: tenant
SELECT a.id, m.role, (SELECT count(*) FROM agents g WHERE g.owner_id = a.id AND g.state <> 'deleted')
FROM accounts a JOIN members m ON m.account_id = a.id AND m.removed_at IS NULL
WHERE a.jid = $1
FOR UPDATE OF m;

-- name: member_remove
-- role: tenant
UPDATE members SET removed_at = now() WHERE account_id = $1;

-- name: members_hold
-- role: tenant
-- Changes of members, one after another: whoever locks several of their rows in turn would wait for who does so otherwise.
SELECT FROM tenants t WHERE t.id = current_tenant() FOR NO KEY UPDATE;

-- name: owners_lock
-- role: tenant
-- The tenant's owners, so that two cannot both stop being the last one.
SELECT account_id FROM members WHERE role = 'owner' AND removed_at IS NULL ORDER BY created_at, account_id FOR UPDATE;

-- name: members_list
-- role: tenant
SELECT a.jid, m.role, a.state, m.created_at
FROM members m JOIN accounts a ON a.id = m.account_id
WHERE m.removed_at IS NULL AND a.jid > $1
ORDER BY a.jid
LIMIT $2;

-- name: account_ensure
-- role: tenant
-- Only as the installation. Adds nothing when there is one.
INSERT INTO accounts (id, jid) VALUES ($1, $2) ON CONFLICT (jid) DO NOTHING;

-- name: account_add
-- role: tenant
INSERT INTO accounts (id, jid, name, email) VALUES ($1, $2, $3, $4);

-- name: account_find
-- role: directory
SELECT id, jid, name, email, state, reason, created_at, updated_at FROM accounts WHERE jid = $1 AND state <> 'deleted';

-- name: account_tenants
-- role: directory
SELECT t.slug, m.role FROM members m JOIN tenants t ON t.id = m.tenant_id
WHERE m.account_id = $1 AND m.removed_at IS NULL AND t.state <> 'deleted'
ORDER BY t.slug
LIMIT 200;

-- name: account_state
-- role: tenant
UPDATE accounts SET state = $2, reason = $3, updated_at = now() WHERE id = $1;

-- name: accounts_list
-- role: directory
SELECT jid, name, state, created_at FROM accounts
WHERE jid > $1 AND state <> 'deleted' AND ($2::text IS NULL OR state = $2)
ORDER BY jid
LIMIT $3;
