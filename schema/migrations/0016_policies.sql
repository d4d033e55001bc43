-- oldest: 1
-- Policies: what an agent's version declares, and what a tenant declares for all of its agents.

-- allowed_models, sender_domains, hours, max_output, guardrails, approval_tools: those that are given.
ALTER TABLE agent_versions ADD COLUMN policy jsonb NOT NULL DEFAULT '{}';
GRANT SELECT (policy) ON agent_versions TO aiox_directory;

-- One row a tenant. What it said before stands in the audit as a hash.
CREATE TABLE policies (
        tenant_id   uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
        policy      jsonb NOT NULL,
        policy_hash bytea NOT NULL CHECK (octet_length(policy_hash) = 32), -- SHA-256 of the canonical JSON (RFC 8785)
        updated_by  uuid,
        updated_at  timestamptz NOT NULL DEFAULT now(),
        changed     xid8 NOT NULL DEFAULT pg_current_xact_id()
);
SELECT guard_tenant_rows('policies'), follow_changes('policies');
GRANT SELECT, INSERT, UPDATE ON policies TO aiox_tenant;
GRANT SELECT ON policies TO aiox_directory;
