-- Tenants' data keys.

-- name: snapshot_xmin
-- role: directory
-- From where a reader of changes goes on next time.
SELECT pg_snapshot_xmin(pg_current_snapshot());

-- name: keyring_read
-- role: directory
SELECT tenant_id, key_id, master_id, wrapped FROM tenant_keys WHERE changed >= $1::xid8;

-- name: keyring_insert
-- role: tenant
INSERT INTO tenant_keys (tenant_id, key_id, master_id, wrapped) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: keyring_own
-- role: tenant
SELECT tenant_id, key_id, master_id, wrapped FROM tenant_keys;

-- name: keyring_rewrap
-- role: tenant
UPDATE tenant_keys SET master_id = $3, wrapped = $4 WHERE tenant_id = $1 AND key_id = $2;
