-- Secrets of a tenant: set, listed, used by name.

-- name: secret_add
-- role: tenant
-- No row when the tenant has $6 of them already.
INSERT INTO secrets (tenant_id, id, name, host, number, value, key_id, created_by)
SELECT current_tenant(), $1, $2, $3, 1, $4, $5, $7
WHERE (SELECT count(*) FROM secrets) < $6::bigint;

-- name: secret_find
-- role: tenant
SELECT id, number FROM secrets WHERE name = $1 FOR UPDATE;

-- name: secret_rotate
-- role: tenant
UPDATE secrets SET number = $2, value = $3, key_id = $4, rotated_at = now() WHERE id = $1;

-- name: secret_remove
-- role: tenant
DELETE FROM secrets WHERE name = $1 RETURNING id;

-- name: secrets_list
-- role: tenant
SELECT name, host, created_at, rotated_at, last_used_at, id
FROM secrets WHERE name > $1 ORDER BY name LIMIT $2;

-- name: secret_host
-- role: tenant
SELECT coalesce(host, '') FROM secrets WHERE name = $1;

-- name: secret_value
-- role: tenant
SELECT id, number, value, key_id, coalesce(host, '') FROM secrets WHERE name = $1;

-- name: secret_used
-- role: tenant
-- A row when it was not said to be used in the last minute, on whatever hub.
UPDATE secrets SET last_used_at = now()
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
RETURNING id;
