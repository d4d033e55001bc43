-- Operations on the conversations that a caller has with an agent himself.

-- name: conversation_start
-- role: tenant
-- From now on nothing up to and with message $4 is remembered, in conversation $3 or (-1) in all.
INSERT INTO conversation_starts (tenant_id, agent_id, person_id, conversation, after)
VALUES (current_tenant(), $1, $2, $3, $4)
ON CONFLICT (tenant_id, agent_id, person_id, conversation)
DO UPDATE SET after = greatest(conversation_starts.after, excluded.after), updated_at = now();

-- name: conversation_status
-- role: tenant
-- $3 a conversation, $4 the message that asks. What waits or runs, how many exchanges are remembered, since when.
SELECT a.state, a.pause_reason, v.model, v.memory ->> 'type' = 'none',
       (SELECT count(*) FROM accepted x LEFT JOIN concluded c ON c.id = x.id
        WHERE x.person_id = $2 AND x.agent_id = $1 AND x.id >= lowest_id(current_date - 1)::uuid AND x.id <> $4
          AND c.id IS NULL),
       (SELECT count(*) FROM accepted x JOIN concluded c ON c.id = x.id
        WHERE x.person_id = $2 AND x.agent_id = $1 AND x.conversation = $3 AND x.kind = 0 AND c.outcome = 1
          AND x.id >= lowest_id(current_date - 1)::uuid AND x.accepted_at > coalesce(a.read_from, '-infinity')
          AND x.id > coalesce((SELECT s.after FROM conversation_starts s
                               WHERE s.agent_id = $1 AND s.person_id = $2 AND s.conversation IN ($3, -1)
                               ORDER BY s.after DESC LIMIT 1), '00000000-0000-0000-0000-000000000000'))
FROM agents a JOIN agent_versions v ON v.id = a.version_id
WHERE a.id = $1;

-- name: conversation_open
-- role: tenant
-- What waits or runs, save the message that asks.
SELECT x.id FROM accepted x LEFT JOIN concluded c ON c.id = x.id
WHERE x.person_id = $2 AND x.agent_id = $1 AND x.conversation = $3 AND x.id >= lowest_id(current_date - 1)::uuid AND x.id <> $4
  AND c.id IS NULL
ORDER BY x.id LIMIT 100;
