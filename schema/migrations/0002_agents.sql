-- oldest: 1
-- Agents, their immutable versions, and who may talk to them.

CREATE TABLE agents (
        tenant_id    uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id           uuid NOT NULL,
        name         text NOT NULL CHECK (name ~ '^[a-z0-9_-]{1,63}$'),
        owner_id     uuid NOT NULL,
        visibility   text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'tenant', 'shared', 'public')),
        state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'deleted')),
        pause_reason text,
        version_id   uuid NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        updated_at   timestamptz NOT NULL DEFAULT now(),
        deleted_at   timestamptz,
        changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, owner_id) REFERENCES members,
        CHECK ((state = 'deleted') = (deleted_at IS NOT NULL))
);
-- A deleted agent keeps its row and may be restored as long as its name is free.
CREATE UNIQUE INDEX agents_name ON agents (tenant_id, name) WHERE state <> 'deleted';
CREATE INDEX agents_owner ON agents (tenant_id, owner_id);
SELECT guard_tenant_rows('agents'), follow_changes('agents');
GRANT SELECT, INSERT, UPDATE ON agents TO aiox_tenant;
GRANT SELECT ON agents TO aiox_directory;

-- Everything that shapes behaviour. Nobody may update a row.
CREATE TABLE agent_versions (
        tenant_id          uuid NOT NULL,
        id                 uuid NOT NULL,
        agent_id           uuid NOT NULL,
        number             integer NOT NULL CHECK (number > 0),
        owner_id           uuid NOT NULL,
        name               text NOT NULL,
        description        text NOT NULL DEFAULT '',
        goal               text NOT NULL DEFAULT '',
        constraints        text[] NOT NULL DEFAULT '{}',
        personality_traits text[] NOT NULL DEFAULT '{}',
        system_prompt      bytea,
        key_id             smallint NOT NULL DEFAULT 0,
        model              text NOT NULL,
        temperature        double precision CHECK (temperature BETWEEN 0 AND 2),
        max_tokens         integer NOT NULL DEFAULT 4096 CHECK (max_tokens > 0),
        worker_pool        text NOT NULL DEFAULT 'local',
        domain_tags        text[] NOT NULL DEFAULT '{}',
        priority_weight    double precision NOT NULL DEFAULT 0.5 CHECK (priority_weight BETWEEN 0 AND 1),
        -- type, short_term_limit, long_term_enabled, embedding_model
        memory             jsonb NOT NULL DEFAULT '{}',
        tools              jsonb NOT NULL DEFAULT '[]',
        -- max_tokens_per_minute, max_memory_mb, allowed_domains, audit_log_enabled
        governance         jsonb NOT NULL DEFAULT '{}',
        -- Nano-units per million tokens; null = free.
        prompt_price_nano     bigint CHECK (prompt_price_nano BETWEEN 0 AND 9007199254740991),
        completion_price_nano bigint CHECK (completion_price_nano BETWEEN 0 AND 9007199254740991),
        policy_hash        bytea NOT NULL CHECK (octet_length(policy_hash) = 32),
        created_by         uuid,
        created_at         timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, agent_id, number),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE,
        CHECK (system_prompt IS NULL OR key_id > 0)
);
ALTER TABLE agent_versions ALTER COLUMN system_prompt SET STORAGE EXTERNAL; -- ciphertext does not compress
ALTER TABLE agents ADD FOREIGN KEY (tenant_id, version_id) REFERENCES agent_versions DEFERRABLE INITIALLY DEFERRED;
SELECT guard_tenant_rows('agent_versions');
CREATE POLICY directory ON agent_versions FOR SELECT TO aiox_directory USING (true);
GRANT SELECT, INSERT ON agent_versions TO aiox_tenant;
GRANT SELECT (tenant_id, id, agent_id, number, owner_id, model, max_tokens, worker_pool, domain_tags, priority_weight, tools,
              governance, prompt_price_nano, completion_price_nano, policy_hash) ON agent_versions TO aiox_directory;

CREATE TABLE grants (
        tenant_id   uuid NOT NULL,
        id          uuid NOT NULL,
        agent_id    uuid NOT NULL,
        kind        text NOT NULL CHECK (kind IN ('jid', 'domain', 'agent')),
        subject     text NOT NULL CHECK (subject <> ''),
        read_bodies boolean NOT NULL DEFAULT false,
        not_before  timestamptz,
        expires_at  timestamptz,
        created_by  uuid,
        created_at  timestamptz NOT NULL DEFAULT now(),
        removed_at  timestamptz,
        changed     xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE
);
CREATE UNIQUE INDEX grants_subject ON grants (tenant_id, agent_id, subject) WHERE removed_at IS NULL;
SELECT guard_tenant_rows('grants'), follow_changes('grants');
GRANT SELECT, INSERT, UPDATE ON grants TO aiox_tenant;
GRANT SELECT ON grants TO aiox_directory;

-- Presence subscriptions of persons to agents (RFC 6121 §3): `from` = the person sees the agent.
CREATE TABLE subscriptions (
        tenant_id  uuid NOT NULL,
        agent_id   uuid NOT NULL,
        jid        text NOT NULL,
        state      text NOT NULL CHECK (state IN ('from', 'to', 'both')),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, agent_id, jid),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE
);
SELECT guard_tenant_rows('subscriptions');
CREATE POLICY directory ON subscriptions FOR SELECT TO aiox_directory USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON subscriptions TO aiox_tenant;
GRANT SELECT ON subscriptions TO aiox_directory;

-- At most `amount` of `what` in `window_us` for one subject; a window of 0 bounds a single amount.
CREATE TABLE limits (
        tenant_id    uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id           uuid NOT NULL,
        subject      text NOT NULL CHECK (subject IN ('installation', 'tenant', 'account', 'agent', 'grant', 'domain')),
        subject_id   uuid,
        subject_name text, -- of a domain
        what         text NOT NULL CHECK (what <> ''),
        window_us    bigint NOT NULL DEFAULT 0 CHECK (window_us >= 0),
        amount       bigint NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740991),
        created_by   uuid,
        created_at   timestamptz NOT NULL DEFAULT now(),
        removed_at   timestamptz,
        changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (tenant_id, id),
        CHECK ((subject IN ('account', 'agent', 'grant')) = (subject_id IS NOT NULL)),
        CHECK ((subject = 'domain') = (subject_name IS NOT NULL))
);
CREATE UNIQUE INDEX limits_row ON limits (tenant_id, subject, subject_id, subject_name, what, window_us) NULLS NOT DISTINCT
        WHERE removed_at IS NULL;
SELECT guard_tenant_rows('limits'), follow_changes('limits');
GRANT SELECT, INSERT, UPDATE ON limits TO aiox_tenant;
GRANT SELECT ON limits TO aiox_directory;
