-- oldest: 1
-- What people think of answers, by reactions (XEP-0444). A row outlives its message, whose text is not in it.

CREATE TABLE feedback (
        tenant_id  uuid NOT NULL,
        message_id uuid NOT NULL,
        agent_id   uuid NOT NULL,
        person_id  uuid NOT NULL,
        reactions  text[] NOT NULL CHECK (cardinality(reactions) BETWEEN 1 AND 16),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, message_id, person_id),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE
);
CREATE INDEX feedback_agent ON feedback (tenant_id, agent_id, message_id);
SELECT guard_tenant_rows('feedback');
GRANT SELECT, INSERT, UPDATE, DELETE ON feedback TO aiox_tenant;

-- An agent's card shows what it is for.
GRANT SELECT (description) ON agent_versions TO aiox_directory;
