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
-- Only what is still wrapped by what it was read with.
UPDATE tenant_keys SET master_id = $4, wrapped = $5 WHERE tenant_id = $1 AND key_id = $2 AND master_id = $3;

-- name: keyring_other
-- role: directory
-- Keys that another master key than $1 wraps.
SELECT tenant_id, key_id, master_id, wrapped FROM tenant_keys WHERE master_id <> $1;

-- name: master_hold
-- role: tenant
-- Until the transaction ends, no other master key comes into force.
SELECT pg_advisory_xact_lock_shared(6571947812018538);

-- name: master_lock
-- role: platform
-- Waits for whoever wraps a key by the master key that is in force now.
SELECT pg_advisory_xact_lock(6571947812018538);

-- name: master_in_force
-- role: tenant platform
-- No row: the master key was never changed.
SELECT id FROM master_key;

-- name: master_set
-- role: platform
INSERT INTO master_key (id) VALUES ($1) ON CONFLICT (one) DO UPDATE SET id = excluded.id, since = now();
