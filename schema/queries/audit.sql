-- The audit as its tenant reads it.

-- name: audit_rows
-- role: tenant
-- Chain by chain, in order.
SELECT a.hub, l.hub, a.position, a.at, a.type, a.severity, a.message_id, a.agent_id, a.person_id, a.facts, a.hash
FROM audit a JOIN leases l ON l.number = a.hub
WHERE a.tenant_id = current_tenant()
ORDER BY a.hub, a.position, a.at;

-- name: audit_page
-- role: tenant
-- Newest first, before the cursor $1 ("microseconds.hub.position", empty = from the end); $2 a type or its beginning, or null;
-- $3 not older than this, or null; $4 a severity or null.
SELECT cursor, at, hub_name, type, severity, message_id, agent_id, person_id, facts, position
FROM (SELECT (extract(epoch FROM a.at) * 1000000)::bigint || '.' || a.hub || '.' || a.position AS cursor, a.at, l.hub AS hub_name,
             a.type, a.severity, a.message_id, a.agent_id, a.person_id, a.facts, a.hub, a.position
      FROM audit a JOIN leases l ON l.number = a.hub
      WHERE ($2::text IS NULL OR starts_with(a.type, $2)) AND ($3::timestamptz IS NULL OR a.at >= $3)
        AND ($4::text IS NULL OR a.severity = $4)
        AND ($1::text = '' OR (a.at, a.hub, a.position) <
             (to_timestamp(split_part($1, '.', 1)::bigint / 1000000) +
              split_part($1, '.', 1)::bigint % 1000000 * interval '1 microsecond',
              split_part($1, '.', 2)::smallint, split_part($1, '.', 3)::bigint))) AS page
ORDER BY at DESC, hub DESC, position DESC
LIMIT $5;
