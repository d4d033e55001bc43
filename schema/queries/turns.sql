-- What a turn reads, as the tenant.

-- name: turn_body
-- role: tenant
SELECT body, key_id FROM accepted WHERE id = $1;

-- name: turn_version
-- role: tenant
SELECT v.agent_id, o.jid, v.name, v.goal, v.constraints, v.system_prompt, v.key_id, v.model, v.temperature, v.max_tokens,
       CASE WHEN v.memory ->> 'type' = 'none' THEN 0 ELSE coalesce((v.memory ->> 'short_term_limit')::integer, 0) END,
       coalesce(v.prompt_price_nano, 0), coalesce(v.completion_price_nano, 0), v.policy_hash, v.personality_traits, v.streaming,
       v.provider_url, v.provider_key, v.policy::text
FROM agent_versions v JOIN accounts o ON o.id = v.owner_id
WHERE v.id = $1;

-- name: turn_history
-- role: tenant
-- The last exchanges of one conversation before a message, newest first, since it was begun anew: no commands; of yesterday
-- and today: what is older is not looked for, nor what its present owner may not read: where it goes is his to say.
SELECT a.id, a.key_id, a.body, c.key_id, c.answer
FROM accepted a JOIN concluded c ON c.id = a.id
WHERE a.agent_id = $1 AND a.person_id = $2 AND a.conversation = $3 AND a.id < $4 AND c.outcome = 1
  AND a.kind = 0 AND a.id > coalesce((SELECT s.after FROM conversation_starts s
                                      WHERE s.agent_id = $1 AND s.person_id = $2 AND s.conversation IN ($3, -1)
                                      ORDER BY s.after DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')
  AND a.accepted_at > coalesce((SELECT g.read_from FROM agents g WHERE g.id = $1), '-infinity')
  AND a.id >= lowest_id(current_date - 1)::uuid AND c.id >= lowest_id(current_date - 1)::uuid
ORDER BY a.id DESC LIMIT $5;

-- name: turn_commands
-- role: tenant
-- What the same person wrote to the hub in the last quarter of an hour, newest first.
SELECT id, key_id, body FROM accepted
WHERE agent_id = $1 AND person_id = $2 AND conversation = $3 AND id < $4 AND id >= lowest_id(current_date - 1)::uuid
  AND accepted_at > now() - interval '15 minutes'
ORDER BY id DESC LIMIT $5;

-- name: turn_passages
-- role: tenant
-- Any word of the question may match; how many do, and how near each other, is the rank.
SELECT d.source, d.name, p.heading, p.content, ts_rank_cd(p.search, q.query, 1 | 4)::float8 AS rank
FROM passages p
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id,
     (SELECT replace(plainto_tsquery('english', $2)::text, '&', '|')::tsquery AS query) q
WHERE p.agent_id = $1 AND p.search @@ q.query
ORDER BY rank DESC, p.document_id, p.number
LIMIT 6;
