-- Operations on an agent's knowledge, on executions, and on what people think of them.

-- name: document_find
-- role: tenant
SELECT id, digest FROM documents WHERE agent_id = $1 AND name = $2 FOR UPDATE;

-- name: document_remove
-- role: tenant
DELETE FROM documents WHERE id = $1;

-- name: document_add
-- role: tenant
INSERT INTO documents (tenant_id, id, agent_id, name, source, format, language, digest, size, created_by)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: passages_add
-- role: tenant
-- A document's passages, numbered from 1; the heading counts more than what stands below it.
INSERT INTO passages (tenant_id, agent_id, document_id, number, heading, content, search)
SELECT current_tenant(), $1, $2, ordinality::integer, heading, content,
       setweight(to_tsvector($3::text::regconfig, heading), 'A') || to_tsvector($3::text::regconfig, content)
FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS passage (heading, content, ordinality);

-- name: documents_of_former_owner
-- role: tenant
-- One that was there when the agent was taken from its owner.
SELECT d.name FROM documents d JOIN agents a ON a.id = d.agent_id
WHERE a.id = $1 AND d.created_at <= a.read_from ORDER BY d.name LIMIT 1;

-- name: documents_list
-- role: tenant
SELECT d.name, d.source, d.format, d.language, d.size, d.created_at,
       (SELECT count(*) FROM passages p WHERE p.agent_id = d.agent_id AND p.document_id = d.id)
FROM documents d
WHERE d.agent_id = $1 AND d.name > $2
ORDER BY d.name
LIMIT $3;

-- name: executions_list
-- role: tenant
-- Newest first. $1 agent or null for all; $2 account, $3 sees all, $4 after, $5 limit, $6 status, $7 operates others' agents.
SELECT e.id, a.name, e.status, e.reason, e.created_at, e.concluded_at, e.total_ms::double precision, e.tokens_used, e.cost_nano,
       e.worker_id
FROM executions e
JOIN agents a ON a.id = e.agent_id
WHERE ($1::uuid IS NULL OR e.agent_id = $1) AND ($4::uuid IS NULL OR e.id < $4) AND ($6::text IS NULL OR e.status = $6)
  AND ($3::boolean OR a.owner_id = $2 OR ($7::boolean AND a.visibility IN ('tenant', 'public')))
ORDER BY e.id DESC
LIMIT $5;

-- name: execution_read
-- role: tenant
SELECT e.id, a.name, e.status, e.reason, e.created_at, e.concluded_at, e.admission_ms::double precision,
       e.queue_ms::double precision, e.model_ms::double precision, e.total_ms::double precision, e.prompt_tokens,
       e.completion_tokens, e.cost_nano, e.model_calls, e.tool_calls, e.tools_called::text, e.worker_id, e.attempt,
       v.number, e.cancel_requested, e.key_id, e.body, e.answer_key_id, e.answer, e.explanation, e.continues, p.jid, p.key_id,
       e.cached_tokens
FROM executions e
JOIN agents a ON a.id = e.agent_id
LEFT JOIN agent_versions v ON v.id = e.version_id
LEFT JOIN persons p ON p.id = e.person_id
WHERE e.id = $1;

-- name: feedback_put
-- role: tenant
INSERT INTO feedback (tenant_id, message_id, person_id, agent_id, reactions)
VALUES (current_tenant(), $1, $2, $3, $4::text[])
ON CONFLICT (tenant_id, message_id, person_id) DO UPDATE SET reactions = excluded.reactions, updated_at = now();

-- name: feedback_remove
-- role: tenant
DELETE FROM feedback WHERE message_id = $1 AND person_id = $2;

-- name: feedback_list
-- role: tenant
-- Newest first. $1 agent or null for all; $2 account, $3 sees all, $4 after, $5 limit, $6 operates others' agents.
SELECT f.message_id, a.name, f.reactions, f.updated_at
FROM feedback f
JOIN agents a ON a.id = f.agent_id
WHERE ($1::uuid IS NULL OR f.agent_id = $1) AND ($4::uuid IS NULL OR f.message_id < $4)
  AND ($3::boolean OR a.owner_id = $2 OR ($6::boolean AND a.visibility IN ('tenant', 'public')))
ORDER BY f.message_id DESC
LIMIT $5;
