-- oldest: 1
-- How people come to workspaces, by registering or by an invitation; what they say of themselves; and how tenants go.

ALTER TABLE tenants
        ADD COLUMN made_by      uuid REFERENCES accounts, -- who registered it without a code
        ADD COLUMN deleted_at   timestamptz,
        ADD COLUMN destroy_at   timestamptz, -- from then on it cannot be restored
        ADD COLUMN destroyed_at timestamptz, -- all that is left is this row, which keeps its slug from others, and the audit
        ADD CHECK ((state = 'deleted') = (deleted_at IS NOT NULL)),
        ADD CHECK ((state = 'deleted') = (destroy_at IS NOT NULL));
-- One self-made workspace a person; a deleted one counts until it is destroyed.
CREATE UNIQUE INDEX tenants_made_by ON tenants (made_by) WHERE destroyed_at IS NULL;
CREATE POLICY keep ON tenants TO CURRENT_USER USING (state = 'deleted' AND destroy_at < now());

-- What people say of themselves. Belongs to the installation, like accounts.
CREATE TABLE profiles (
        account_id      uuid PRIMARY KEY REFERENCES accounts,
        locale          text CHECK (locale ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
        time_zone       text,
        picture         bytea CHECK (octet_length(picture) <= 49152),
        picture_type    text CHECK (picture_type IN ('image/png', 'image/jpeg', 'image/webp')),
        email_proved_at timestamptz,
        code_hash       bytea CHECK (octet_length(code_hash) = 32), -- of what was sent to the e-mail address last
        code_sent_at    timestamptz,
        code_tries      smallint NOT NULL DEFAULT 0,
        updated_at      timestamptz NOT NULL DEFAULT now(),
        CHECK ((picture IS NULL) = (picture_type IS NULL))
);
ALTER TABLE profiles ALTER COLUMN picture SET STORAGE EXTERNAL;
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE profiles FORCE ROW LEVEL SECURITY;
CREATE POLICY installation ON profiles TO aiox_tenant
        USING (current_tenant() = 'a10c0000-0000-4000-8000-000000000000')
        WITH CHECK (current_tenant() = 'a10c0000-0000-4000-8000-000000000000');
GRANT SELECT, INSERT, UPDATE ON profiles TO aiox_tenant;

-- Invitations: to be a member with a role, or, in the installation alone and without a role, to make a workspace.
CREATE TABLE invites (
        tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id         uuid NOT NULL,
        hash       bytea NOT NULL CHECK (octet_length(hash) = 32), -- SHA-256 of the code, which is kept nowhere
        role       text CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
        jid        text CHECK (jid <> ''), -- for whom; null = whoever has the code
        uses       integer NOT NULL CHECK (uses BETWEEN 1 AND 1000),
        used       integer NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
        created_by uuid, -- account; null = a platform admin
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, hash),
        CHECK (role IS NOT NULL OR tenant_id = 'a10c0000-0000-4000-8000-000000000000')
);
CREATE INDEX invites_hash ON invites (hash);
SELECT guard_tenant_rows('invites');
CREATE POLICY directory ON invites FOR SELECT TO aiox_directory USING (true);
GRANT SELECT, INSERT, UPDATE ON invites TO aiox_tenant;
GRANT SELECT (tenant_id, id, hash) ON invites TO aiox_directory;

-- Takes one use of an invitation of the acting tenant. verdict: 'good', or why not; an invitation is worth no more than what
-- whoever made it may still do.
CREATE FUNCTION take_invite(code bytea, person text, for_workspace boolean, OUT verdict text, OUT granted text, OUT invite uuid)
LANGUAGE plpgsql AS $$
DECLARE
        found invites;
        ranks CONSTANT text[] := ARRAY['viewer', 'operator', 'admin', 'owner'];
BEGIN
        SELECT * INTO found FROM invites i WHERE i.hash = code AND (i.role IS NULL) = for_workspace FOR UPDATE;
        verdict := CASE WHEN found.id IS NULL OR (found.jid IS NOT NULL AND found.jid <> person) THEN 'absent'
                        WHEN found.revoked_at IS NOT NULL THEN 'revoked'
                        WHEN found.expires_at <= now() THEN 'expired'
                        WHEN found.used >= found.uses THEN 'used'
                        WHEN found.created_by IS NOT NULL AND NOT EXISTS (
                                SELECT FROM members m
                                WHERE m.account_id = found.created_by AND m.removed_at IS NULL
                                  AND array_position(ranks, m.role) >= greatest(3, array_position(ranks, found.role)))
                        THEN 'revoked'
                        ELSE 'good' END;
        granted := found.role;
        invite := found.id;
        IF verdict = 'good' THEN
                UPDATE invites i SET used = i.used + 1 WHERE i.id = found.id;
        END IF;
END
$$;
-- The same for a workspace that is being made: its invitation is the installation's, and both must come to be together.
CREATE FUNCTION take_workspace_invite(code bytea, person text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
        acting text := current_setting('aiox.tenant', true);
        taken record;
BEGIN
        PERFORM set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', true);
        SELECT * INTO taken FROM take_invite(code, person, true);
        PERFORM set_config('aiox.tenant', acting, true);
        RETURN taken.verdict;
END
$$;
GRANT EXECUTE ON FUNCTION take_invite, take_workspace_invite TO aiox_tenant;

-- Ends a tenant whose time has come: its keys, so that nothing sealed can be read any more, then every row of every table
-- that has tenants, but for the audit and the ids in it. False: not all that was done there is in the audit yet. Only the
-- owner may.
CREATE FUNCTION destroy_tenant(tenant uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
        place regclass;
        held integer := 1;
        round integer := 0;
BEGIN
        PERFORM set_config('aiox.tenant', tenant::text, true);
        PERFORM FROM tenants t WHERE t.id = tenant AND t.state = 'deleted' AND t.destroy_at < now() AND t.destroyed_at IS NULL
                FOR UPDATE;
        IF NOT FOUND OR EXISTS (SELECT FROM operation_log o WHERE o.tenant_id = tenant AND NOT o.chained) THEN
                RETURN false;
        END IF;
        DELETE FROM tenant_keys k WHERE k.tenant_id = tenant;
        UPDATE persons p SET jid = NULL, erased_at = now() WHERE p.tenant_id = tenant AND p.jid IS NOT NULL;
        -- What is referred to goes after what refers to it: whatever order that is.
        WHILE held > 0 AND round < 10 LOOP
                held := 0;
                round := round + 1;
                FOR place IN
                        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                          AND c.relname NOT IN ('audit', 'audit_closings', 'persons')
                        ORDER BY c.relname
                LOOP
                        BEGIN
                                EXECUTE format('DELETE FROM %s WHERE tenant_id = $1', place) USING tenant;
                        EXCEPTION WHEN foreign_key_violation THEN
                                held := held + 1;
                        END;
                END LOOP;
        END LOOP;
        IF held > 0 THEN
                RAISE EXCEPTION 'rows of tenant % cannot be removed', tenant;
        END IF;
        UPDATE tenants t SET name = t.slug, settings = '{}', made_by = NULL, destroyed_at = now() WHERE t.id = tenant;
        -- The installation's audit has it, by the hub that chains it next.
        PERFORM set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', true);
        INSERT INTO operation_log (tenant_id, id, request_key, digest, operation, door, severity, outcome, facts, hub)
        SELECT current_tenant(), d.id, d.id::text, sha256(tenant::text::bytea), 'tenant-destroy', 'keep', 'warning', 'success',
               format('{"tenant":"%s"}', tenant), l.number
        FROM (VALUES (gen_random_uuid())) AS d (id), (SELECT min(number) AS number FROM leases) AS l
        WHERE l.number IS NOT NULL;
        RETURN true;
END
$$;
