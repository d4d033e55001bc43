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
SELECT verdict, granted, invite FROM take_invite($1, $2, false);

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
