-- oldest: 1
-- What makes the audit believed by those who do not trust the database: whose signatures count, and from where a chain
-- goes on after its beginning was removed. And what a tenant's people see without the audit: their log, and what was
-- unusual.

-- Public keys (Ed25519) that hubs sign the ends of their chains with. A row is a convenience for `aiox audit verify`, not
-- its proof: who does not trust the database names the keys himself.
CREATE TABLE audit_keys (
        hub    smallint NOT NULL,
        public bytea NOT NULL CHECK (octet_length(public) = 32),
        since  timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (hub, public)
);
GRANT SELECT, INSERT ON audit_keys TO aiox_journal;
GRANT SELECT ON audit_keys TO aiox_tenant;

-- The end of what was removed of a chain, signed before it was.
CREATE TABLE audit_closings (
        tenant_id uuid NOT NULL,
        hub       smallint NOT NULL,
        position  bigint NOT NULL,
        at        timestamptz NOT NULL, -- when it was signed
        hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
        public    bytea NOT NULL CHECK (octet_length(public) = 32),
        signature bytea NOT NULL CHECK (octet_length(signature) = 64),
        PRIMARY KEY (tenant_id, hub, position)
);
SELECT guard_tenant_rows('audit_closings');
CREATE POLICY journal_writes ON audit_closings FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_reads ON audit_closings FOR SELECT TO aiox_journal USING (true);
GRANT SELECT ON audit_closings TO aiox_tenant;
GRANT INSERT, SELECT ON audit_closings TO aiox_journal;

-- What happened to a tenant's agents, for its people: a sentence and its fields, never what was written. Written by the
-- hub beside the journal, and lost with it if the hub dies in between.
CREATE TABLE tenant_log (
        tenant_id uuid NOT NULL,
        id        uuid NOT NULL, -- ordered by time
        at        timestamptz NOT NULL,
        hub       text NOT NULL,
        level     text NOT NULL CHECK (level IN ('info', 'warning', 'error')),
        sentence  text NOT NULL,
        agent_id  uuid,
        fields    jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (tenant_id, id)
);
CREATE INDEX tenant_log_age ON tenant_log (at);
SELECT guard_tenant_rows('tenant_log');
CREATE POLICY journal_writes ON tenant_log FOR INSERT TO aiox_journal WITH CHECK (true);
GRANT SELECT ON tenant_log TO aiox_tenant;
GRANT INSERT ON tenant_log TO aiox_journal;

-- What was unusual, and what was done about it. Nothing is updated but the end of a throttle.
CREATE TABLE security_events (
        tenant_id  uuid NOT NULL,
        id         uuid NOT NULL, -- ordered by time
        at         timestamptz NOT NULL,
        hub        text NOT NULL,
        kind       text NOT NULL CHECK (kind IN ('refusals', 'volume', 'domain')),
        severity   text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
        account_id uuid, -- whom it is about, when he has an account
        domain     text, -- the domain it is about
        agent_id   uuid,
        facts      jsonb NOT NULL DEFAULT '{}',
        limit_id   uuid, -- the limit that answers it, while there is one
        until      timestamptz, -- when that ends by itself
        lifted_at  timestamptz,
        PRIMARY KEY (tenant_id, id)
);
CREATE INDEX security_events_throttles ON security_events (until) WHERE limit_id IS NOT NULL AND lifted_at IS NULL;
SELECT guard_tenant_rows('security_events');
GRANT SELECT, INSERT, UPDATE (lifted_at) ON security_events TO aiox_tenant;
CREATE POLICY journal_reads ON security_events FOR SELECT TO aiox_journal USING (true);
GRANT SELECT (tenant_id, id, limit_id, until, lifted_at) ON security_events TO aiox_journal;

-- Domains that a tenant's agents were written to from.
CREATE TABLE known_domains (
        tenant_id uuid NOT NULL,
        domain    text NOT NULL,
        since     timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, domain)
);
SELECT guard_tenant_rows('known_domains');
GRANT SELECT, INSERT ON known_domains TO aiox_tenant;

-- What is older than its tenant may keep goes with `aiox keep`, and nothing else does.
CREATE POLICY keep ON tenant_log TO CURRENT_USER USING (at < now() - interval '1 day');
CREATE POLICY keep ON security_events TO CURRENT_USER USING (at < now() - interval '1 day');
