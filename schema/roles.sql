-- The roles AIOX logs in with. Run once as a superuser (or a role with CREATEROLE), in psql 15 or newer, and again
-- whenever a password changes:
--
--     export AIOX_OWNER_PASSWORD=… AIOX_JOURNAL_PASSWORD=… AIOX_TENANT_PASSWORD=… \
--            AIOX_PLATFORM_PASSWORD=… AIOX_DIRECTORY_PASSWORD=… AIOX_ERASER_PASSWORD=…
--     psql -v ON_ERROR_STOP=1 -f schema/roles.sql postgres
--     createdb --owner=aiox_owner --encoding=UTF8 --template=template0 aiox
--     psql -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION IF NOT EXISTS vector' aiox
--
-- aiox_owner owns the database and everything in it; only `aiox migrate` and `aiox keep` use it. The others own
-- nothing, may not pass row security, and get what they may do from the migrations. Passwords come from the
-- environment, so that they stand in no command line; a variable that is unset stops the script.
\set ON_ERROR_STOP on
\getenv owner_password AIOX_OWNER_PASSWORD
\getenv journal_password AIOX_JOURNAL_PASSWORD
\getenv tenant_password AIOX_TENANT_PASSWORD
\getenv platform_password AIOX_PLATFORM_PASSWORD
\getenv directory_password AIOX_DIRECTORY_PASSWORD
\getenv eraser_password AIOX_ERASER_PASSWORD

BEGIN;
SET LOCAL password_encryption = 'scram-sha-256';
-- A password must not end up in the server's log.
SET LOCAL log_statement = 'none';
SET LOCAL log_min_error_statement = 'panic';

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['aiox_owner', 'aiox_journal', 'aiox_tenant', 'aiox_platform', 'aiox_directory', 'aiox_eraser']) name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
              name, password)
FROM (VALUES ('aiox_owner', :'owner_password'), ('aiox_journal', :'journal_password'),
             ('aiox_tenant', :'tenant_password'), ('aiox_platform', :'platform_password'),
             ('aiox_directory', :'directory_password'), ('aiox_eraser', :'eraser_password')) AS role (name, password)
\gexec
COMMIT;
