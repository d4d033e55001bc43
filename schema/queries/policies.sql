-- Policies of tenants, and what was found against policies.

-- name: policy_set
-- role: tenant
INSERT INTO policies (tenant_id, policy, policy_hash, updated_by) VALUES (current_tenant(), $1::jsonb, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE
SET policy = excluded.policy, policy_hash = excluded.policy_hash, updated_by = excluded.updated_by, updated_at = now();

-- name: policy_read
-- role: tenant
-- The tenant's zone, and its policy if it has one.
SELECT t.zone, p.policy::text, p.policy_hash, p.updated_at
FROM tenants t LEFT JOIN policies p ON p.tenant_id = t.id
WHERE t.id = current_tenant();

-- name: turn_policy
-- role: tenant
SELECT policy::text, policy_hash FROM policies WHERE tenant_id = current_tenant();

-- name: violations_list
-- role: tenant
-- Newest first, before the cursor $1 ("microseconds.hub.position", empty = from the end); $2 agent, $3 kind, $4 action, $5 where,
-- $6 not older than this: each may be null. $7 limit.
SELECT cursor, at, agent, message_id, person_id, facts
FROM (SELECT (extract(epoch FROM a.at) * 1000000)::bigint || '.' || a.hub || '.' || a.position AS cursor, a.at, g.name AS agent,
             a.message_id, a.person_id, a.facts, a.hub, a.position
      FROM audit a LEFT JOIN agents g ON g.id = a.agent_id
      WHERE a.type = 'policy.violation' AND ($2::uuid IS NULL OR a.agent_id = $2)
        AND ($3::text IS NULL OR a.facts::jsonb->>'kind' = $3) AND ($4::text IS NULL OR a.facts::jsonb->>'action' = $4)
        AND ($5::text IS NULL OR a.facts::jsonb->>'where' = $5) AND ($6::timestamptz IS NULL OR a.at >= $6)
        AND ($1::text = '' OR (a.at, a.hub, a.position) <
             (to_timestamp(split_part($1, '.', 1)::bigint / 1000000) +
              split_part($1, '.', 1)::bigint % 1000000 * interval '1 microsecond',
              split_part($1, '.', 2)::smallint, split_part($1, '.', 3)::bigint))) AS page
ORDER BY at DESC, hub DESC, position DESC
LIMIT $7;

-- name: violations_counted
-- role: tenant
-- By rule; $1 agent, $2 not older than this: each may be null. The most frequent first.
SELECT g.name, a.facts::jsonb->>'of', (a.facts::jsonb->>'rule')::bigint, a.facts::jsonb->>'kind', a.facts::jsonb->>'where',
       a.facts::jsonb->>'action', count(*), sum((a.facts::jsonb->>'count')::bigint)::bigint, max(a.at)
FROM audit a LEFT JOIN agents g ON g.id = a.agent_id
WHERE a.type = 'policy.violation' AND ($1::uuid IS NULL OR a.agent_id = $1) AND ($2::timestamptz IS NULL OR a.at >= $2)
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY count(*) DESC, 1, 2, 3
LIMIT $3;
