-- The audit as its tenant reads it.

-- name: audit_rows
-- role: tenant
-- Chain by chain, in order.
SELECT a.hub, l.hub, a.position, a.at, a.type, a.severity, a.message_id, a.agent_id, a.person_id, a.facts, a.hash
FROM audit a JOIN leases l ON l.number = a.hub
WHERE a.tenant_id = current_tenant()
ORDER BY a.hub, a.position, a.at;

-- name: audit_export
-- role: tenant
-- Chain by chain, after position $2 of hub $1; $3 not older than this, or null.
SELECT l.hub, a.position, a.at, a.type, a.severity, a.message_id, a.agent_id, a.person_id, a.facts, a.hash, a.hub
FROM audit a JOIN leases l ON l.number = a.hub
WHERE a.tenant_id = current_tenant() AND (a.hub, a.position) > ($1::smallint, $2::bigint)
  AND ($3::timestamptz IS NULL OR a.at >= $3)
ORDER BY a.hub, a.position
LIMIT $4;

-- name: audit_keys
-- role: tenant
-- Whose signatures count.
SELECT l.hub, k.public, k.since FROM audit_keys k JOIN leases l ON l.number = k.hub ORDER BY l.hub, k.since;

-- name: audit_closings
-- role: tenant
-- From where chains go on.
SELECT l.hub, c.position, c.at, c.hash, c.public, c.signature
FROM audit_closings c JOIN leases l ON l.number = c.hub
ORDER BY l.hub, c.position;

-- name: audit_key_add
-- role: journal
-- Hub $1 signs with this key.
INSERT INTO audit_keys (hub, public) SELECT number, $2 FROM leases WHERE hub = $1 ON CONFLICT DO NOTHING;

-- name: audit_ends
-- role: journal
-- Where the chains of hub $1 end that have moved since $2: one tenant after another, by the index.
WITH RECURSIVE each AS (
        (SELECT a.tenant_id FROM audit a ORDER BY a.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT a.tenant_id FROM audit a WHERE a.tenant_id > each.tenant_id ORDER BY a.tenant_id LIMIT 1)
        FROM each WHERE each.tenant_id IS NOT NULL
)
SELECT each.tenant_id, h.position, h.hash
FROM each CROSS JOIN LATERAL (
        SELECT a.position, a.hash, a.at FROM audit a JOIN leases l ON l.number = a.hub AND l.hub = $1
        WHERE a.tenant_id = each.tenant_id ORDER BY a.position DESC LIMIT 1) h
WHERE each.tenant_id IS NOT NULL AND h.at >= $2;

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
