-- oldest: 1
-- The audit: one chain per tenant and hub. And the log of operations, whose rows a hub chains after they are committed.

-- hash = SHA-256 over the hash before it and the row's fields (store/audit.h has the form). Positions count from 1.
CREATE TABLE audit (
        tenant_id  uuid NOT NULL,
        message_id uuid,
        agent_id   uuid,
        person_id  uuid,
        position   bigint NOT NULL,
        at         timestamptz NOT NULL,
        hub        smallint NOT NULL,
        type       text NOT NULL,
        severity   text NOT NULL,
        facts      text NOT NULL, -- canonical JSON (RFC 8785)
        hash       bytea NOT NULL,
        PRIMARY KEY (tenant_id, hub, position, at)
) PARTITION BY RANGE (at);
SELECT guard_tenant_rows('audit');
CREATE POLICY journal_writes ON audit FOR INSERT TO aiox_journal WITH CHECK (true);
CREATE POLICY journal_reads ON audit FOR SELECT TO aiox_journal USING (true);
GRANT SELECT ON audit TO aiox_tenant;
GRANT INSERT, SELECT (tenant_id, hub, position, at, hash) ON audit TO aiox_journal;

-- What operations did, each row written by the operation's own transaction. The same request key with the same digest is
-- given the stored result again, with another it is a conflict.
CREATE TABLE operation_log (
        tenant_id   uuid NOT NULL,
        id          uuid NOT NULL,
        request_key text NOT NULL,
        digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
        operation   text NOT NULL,
        door        text NOT NULL,
        person_id   uuid,
        agent_id    uuid,
        severity    text NOT NULL DEFAULT 'info' CHECK (severity IN ('info', 'warning', 'critical')),
        outcome     text NOT NULL, -- "success" or the name of a failure
        facts       text NOT NULL DEFAULT '{}', -- canonical JSON for the audit: ids and counts
        result      bytea, -- sealed
        key_id      smallint NOT NULL DEFAULT 0,
        hub         smallint NOT NULL REFERENCES leases, -- which puts it into its chain
        at          timestamptz NOT NULL DEFAULT now(),
        chained     boolean NOT NULL DEFAULT false,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, request_key)
);
CREATE INDEX operation_log_unchained ON operation_log (hub, at) WHERE NOT chained;
SELECT guard_tenant_rows('operation_log');
CREATE POLICY journal_reads ON operation_log FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_chains ON operation_log FOR UPDATE TO aiox_journal USING (true);
GRANT SELECT, INSERT ON operation_log TO aiox_tenant;
GRANT SELECT (tenant_id, id, operation, person_id, agent_id, severity, outcome, facts, hub, at, chained), UPDATE (hub, chained)
        ON operation_log TO aiox_journal;
-- `aiox keep` removes what nobody repeats any more, and nothing else.
CREATE POLICY keep ON operation_log TO CURRENT_USER USING (chained AND at < now() - interval '30 days');
