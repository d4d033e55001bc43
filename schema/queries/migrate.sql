-- What `aiox migrate` asks, and what a hub asks of a schema before it trusts it. The table it keeps is made by
-- migration_table, before there is any migration.

-- name: migration_table
-- role: owner
CREATE TABLE IF NOT EXISTS migrations (
        number     integer PRIMARY KEY,
        oldest     integer NOT NULL,
        name       text NOT NULL,
        checksum   bytea NOT NULL,
        program    text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: migration_grant
-- role: owner
GRANT SELECT ON migrations TO aiox_platform;

-- name: migration_lock
-- role: owner
-- One `aiox migrate` at a time, until its session ends.
SELECT pg_advisory_lock(6571947812018537);

-- name: migration_foreign
-- role: owner
-- A table that is there although no migration made it: somebody else's database.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
LIMIT 1;

-- name: migration_missing_role
-- role: owner
SELECT name FROM unnest(ARRAY['aiox_tenant', 'aiox_journal', 'aiox_platform', 'aiox_directory', 'aiox_eraser']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
LIMIT 1;

-- name: migration_list
-- role: platform
SELECT number, oldest, name, checksum FROM migrations ORDER BY number;

-- name: migration_exists
-- role: platform
SELECT to_regclass('public.migrations') IS NOT NULL;

-- name: migration_applied
-- role: owner
INSERT INTO migrations (number, oldest, name, checksum, program) VALUES ($1, $2, $3, $4, $5);

-- name: database_durability
-- role: platform journal
-- Settings that must not be off, as this session sees them.
SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes');
