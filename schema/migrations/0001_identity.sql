-- oldest: 1
-- Who there is: tenants with their keys, accounts, members, API keys, persons. And the two rules every table of a tenant
-- follows: row security that also binds its owner, and a mark of the transaction that last changed a row.

-- Nothing is granted unless a line says so.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO aiox_tenant, aiox_journal, aiox_platform, aiox_directory, aiox_eraser;

-- The tenant a transaction acts for, as set by set_config('aiox.tenant', …, true). After the transaction the setting is
-- empty, not absent; either is null here, which equals no row.
CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('aiox.tenant', true), '')::uuid
$$;
GRANT EXECUTE ON FUNCTION current_tenant() TO PUBLIC;

-- Row security for a table with tenant_id: whoever is let in at all sees the rows of the transaction's tenant.
CREATE FUNCTION guard_tenant_rows(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON %s USING (tenant_id = current_tenant()) '
                       'WITH CHECK (tenant_id = current_tenant())', guarded);
END
$$;

-- Peers read every row with changed >= the xmin of their previous snapshot: what committed late is seen as well.
CREATE FUNCTION mark_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
        NEW.changed := pg_current_xact_id();
        RETURN NEW;
END
$$;
CREATE FUNCTION follow_changes(followed regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
        EXECUTE format('CREATE TRIGGER mark_changed BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION mark_changed()',
                       followed);
        EXECUTE format('CREATE INDEX ON %s (changed)', followed);
        EXECUTE format('CREATE POLICY directory ON %s FOR SELECT TO aiox_directory USING (true)', followed);
END
$$;

CREATE TABLE tenants (
        id         uuid PRIMARY KEY,
        slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9_-]{1,63}$'),
        name       text NOT NULL,
        plan       text NOT NULL DEFAULT 'free',
        state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'deleted')),
        settings   jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        changed    xid8 NOT NULL DEFAULT pg_current_xact_id()
);
INSERT INTO tenants (id, slug, name, plan)
VALUES ('a10c0000-0000-4000-8000-000000000000', 'installation', 'The installation', 'enterprise');
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenants USING (id = current_tenant()) WITH CHECK (id = current_tenant());
CREATE POLICY platform ON tenants TO aiox_platform USING (true) WITH CHECK (true);
SELECT follow_changes('tenants');
GRANT SELECT, INSERT, UPDATE ON tenants TO aiox_tenant, aiox_platform;
GRANT SELECT ON tenants TO aiox_directory;

-- Data keys, wrapped by the master key, which is not in the database. master_id says by which master key.
CREATE TABLE tenant_keys (
        tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        key_id     smallint NOT NULL CHECK (key_id > 0),
        master_id  bytea NOT NULL CHECK (octet_length(master_id) = 8),
        wrapped    bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        changed    xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, key_id)
);
SELECT guard_tenant_rows('tenant_keys'), follow_changes('tenant_keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_keys TO aiox_tenant;
GRANT SELECT ON tenant_keys TO aiox_directory;

-- A person who may log in: of the installation, not of a tenant. A tenant sees those who are its members.
CREATE TABLE accounts (
        id         uuid PRIMARY KEY,
        jid        text NOT NULL UNIQUE CHECK (jid <> ''),
        name       text,
        email      text,
        state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'deleted')),
        reason     text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        changed    xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE TABLE members (
        tenant_id  uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        account_id uuid NOT NULL REFERENCES accounts,
        role       text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
        created_at timestamptz NOT NULL DEFAULT now(),
        removed_at timestamptz,
        changed    xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, account_id)
);
CREATE INDEX members_account ON members (account_id);
SELECT guard_tenant_rows('members'), follow_changes('members');
GRANT SELECT, INSERT, UPDATE ON members TO aiox_tenant;
GRANT SELECT ON members TO aiox_directory;

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY own_members ON accounts FOR SELECT TO aiox_tenant
        USING (EXISTS (SELECT FROM members m WHERE m.account_id = accounts.id AND m.tenant_id = current_tenant()));
CREATE POLICY platform ON accounts TO aiox_platform USING (true) WITH CHECK (true);
-- Accounts belong to the installation: who acts as its tenant makes and changes them.
CREATE POLICY installation ON accounts TO aiox_tenant
        USING (current_tenant() = 'a10c0000-0000-4000-8000-000000000000')
        WITH CHECK (current_tenant() = 'a10c0000-0000-4000-8000-000000000000');
SELECT follow_changes('accounts');
GRANT SELECT ON accounts TO aiox_directory;
GRANT SELECT, INSERT, UPDATE ON accounts TO aiox_tenant, aiox_platform;

-- API keys: only a hash of the secret is kept.
CREATE TABLE keys (
        tenant_id    uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id           uuid NOT NULL,
        account_id   uuid NOT NULL,
        name         text NOT NULL,
        prefix       text NOT NULL,
        hash         bytea NOT NULL CHECK (octet_length(hash) = 32),
        scopes       text[] NOT NULL DEFAULT '{read,execute}',
        created_at   timestamptz NOT NULL DEFAULT now(),
        expires_at   timestamptz,
        last_used_at timestamptz,
        revoked_at   timestamptz,
        changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, hash),
        FOREIGN KEY (tenant_id, account_id) REFERENCES members
);
SELECT guard_tenant_rows('keys'), follow_changes('keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON keys TO aiox_tenant;
GRANT SELECT ON keys TO aiox_directory;

-- A person as journal and audit know them: an id keyed by the tenant, and the one row that says who it is, until it is
-- erased.
CREATE TABLE persons (
        tenant_id  uuid NOT NULL,
        id         uuid NOT NULL,
        jid        bytea,
        key_id     smallint NOT NULL,
        erased_at  timestamptz,
        PRIMARY KEY (tenant_id, id)
);
SELECT guard_tenant_rows('persons');
CREATE POLICY journal_writes ON persons FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_reads ON persons FOR SELECT TO aiox_journal USING (true);
GRANT SELECT ON persons TO aiox_tenant;
GRANT INSERT, SELECT (tenant_id, id) ON persons TO aiox_journal;
GRANT SELECT (tenant_id, id, erased_at), UPDATE (jid, erased_at) ON persons TO aiox_eraser;
