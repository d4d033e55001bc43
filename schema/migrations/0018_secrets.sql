-- oldest: 1
-- Secrets of tenants: keys of their own providers, sealed, used by name and shown to nobody.

CREATE TABLE secrets (
        tenant_id    uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
        id           uuid NOT NULL,
        name         text NOT NULL CHECK (name ~ '^[a-z0-9_-]{1,63}$'),
        host         text CHECK (host <> ''), -- the only one it is sent to; null = the installation's own provider
        number       integer NOT NULL CHECK (number > 0), -- of the value, which is sealed to it
        value        bytea NOT NULL,
        key_id       smallint NOT NULL,
        created_by   uuid,
        created_at   timestamptz NOT NULL DEFAULT now(),
        rotated_at   timestamptz,
        last_used_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, name)
);
SELECT guard_tenant_rows('secrets');
GRANT SELECT, INSERT, UPDATE, DELETE ON secrets TO aiox_tenant;

-- Since the master key was changed: by which one new data keys are wrapped. Its id, which tells nothing of it.
CREATE TABLE master_key (
        one   boolean PRIMARY KEY DEFAULT true CHECK (one),
        id    bytea NOT NULL CHECK (octet_length(id) = 8),
        since timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON master_key TO aiox_tenant, aiox_platform;
GRANT INSERT, UPDATE ON master_key TO aiox_platform;

-- A version may bring its own provider: its endpoint, and the secret that is the endpoint's key.
ALTER TABLE agent_versions
        ADD COLUMN provider_url text CHECK (provider_url <> ''),
        ADD COLUMN provider_key text CHECK (provider_key <> '');
