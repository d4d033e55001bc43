-- oldest: 1
-- Commands in chat: messages that run an operation, and what they change of a conversation.

ALTER TABLE accepted ADD COLUMN kind smallint NOT NULL DEFAULT 0; -- 0 text, 1 a command
GRANT SELECT (kind) ON accepted TO aiox_journal;

-- What a person said to an agent up to and with message `after` is no longer remembered, in one conversation or (-1) in all.
CREATE TABLE conversation_starts (
        tenant_id    uuid NOT NULL,
        agent_id     uuid NOT NULL,
        person_id    uuid NOT NULL,
        conversation integer NOT NULL CHECK (conversation >= -1),
        after        uuid NOT NULL,
        updated_at   timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, agent_id, person_id, conversation),
        FOREIGN KEY (tenant_id, agent_id) REFERENCES agents ON DELETE CASCADE
);
SELECT guard_tenant_rows('conversation_starts');
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_starts TO aiox_tenant;
