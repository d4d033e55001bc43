-- Evidence for reports: each gives an item, what is said of it, and from when until when; $1 since, $2 until.

-- name: compliance_access
-- role: tenant
-- Who had access to what.
SELECT o.jid, 'member, ' || m.role, m.created_at, m.removed_at
FROM members m JOIN accounts o ON o.id = m.account_id
WHERE m.tenant_id = current_tenant() AND m.created_at < $2::timestamptz
  AND (m.removed_at IS NULL OR m.removed_at >= $1::timestamptz)
UNION ALL
SELECT g.subject, 'writes to ' || a.name || CASE WHEN g.read_bodies THEN ', reads what is written' ELSE '' END,
       greatest(g.created_at, g.not_before), least(g.removed_at, g.expires_at)
FROM grants g JOIN agents a ON a.id = g.agent_id
WHERE g.tenant_id = current_tenant() AND g.created_at < $2::timestamptz
  AND (g.removed_at IS NULL OR g.removed_at >= $1::timestamptz)
  AND (g.expires_at IS NULL OR g.expires_at >= $1::timestamptz)
UNION ALL
SELECT a.name, 'open to: ' || a.visibility, a.created_at, a.deleted_at
FROM agents a
WHERE a.tenant_id = current_tenant() AND a.created_at < $2::timestamptz
  AND (a.deleted_at IS NULL OR a.deleted_at >= $1::timestamptz)
ORDER BY 1, 2, 3
LIMIT 10000;

-- name: compliance_purposes
-- role: tenant
-- What agents are for, and whom their models are.
SELECT a.name, coalesce(nullif(v.goal, ''), 'no purpose is stated') || ' (by ' || v.model || ')', v.created_at, a.deleted_at
FROM agents a JOIN agent_versions v ON v.id = a.version_id
WHERE a.tenant_id = current_tenant() AND a.created_at < $2::timestamptz
  AND (a.deleted_at IS NULL OR a.deleted_at >= $1::timestamptz)
ORDER BY 1
LIMIT 10000;

-- name: compliance_policies
-- role: tenant
-- Policies in force: the tenant's as it is now, and of each version that there was in the period, until the next.
SELECT * FROM (
        SELECT a.name || ', version ' || v.number AS item, 'policy ' || encode(v.policy_hash, 'hex'), v.created_at AS since,
               lead(v.created_at) OVER (PARTITION BY v.agent_id ORDER BY v.number) AS until
        FROM agent_versions v JOIN agents a ON a.id = v.agent_id
        WHERE v.tenant_id = current_tenant() AND v.created_at < $2::timestamptz
        UNION ALL
        SELECT 'the tenant', 'policy ' || encode(p.policy_hash, 'hex'), p.updated_at, NULL
        FROM policies p WHERE p.updated_at < $2::timestamptz) AS each
WHERE until IS NULL OR until >= $1::timestamptz
ORDER BY 1
LIMIT 10000;

-- name: compliance_persons
-- role: tenant
-- Whose messages were taken, by agent: how many people, without saying who.
SELECT coalesce(a.name, 'no agent'), count(DISTINCT x.person_id) || ' people, ' || count(*) || ' records', min(x.at), max(x.at)
FROM audit x LEFT JOIN agents a ON a.id = x.agent_id
WHERE x.tenant_id = current_tenant() AND x.at >= $1::timestamptz AND x.at < $2::timestamptz AND starts_with(x.type, 'message.')
GROUP BY 1
ORDER BY 1
LIMIT 10000;

-- name: compliance_violations
-- role: tenant
SELECT x.type, x.severity || ', ' || count(*) || ' times', min(x.at), max(x.at)
FROM audit x
WHERE x.tenant_id = current_tenant() AND x.at >= $1::timestamptz AND x.at < $2::timestamptz AND x.severity <> 'info'
GROUP BY x.type, x.severity
ORDER BY 1, 2
LIMIT 10000;

-- name: compliance_exports
-- role: tenant
SELECT x.type, coalesce('by person ' || x.person_id, 'by the machine''s administrator'), x.at, NULL::timestamptz
FROM audit x
WHERE x.tenant_id = current_tenant() AND x.at >= $1::timestamptz AND x.at < $2::timestamptz
  AND x.type ~ '^operation\..*(export|report)'
ORDER BY x.at
LIMIT 10000;

-- name: compliance_deletions
-- role: tenant
SELECT x.type, coalesce('by person ' || x.person_id, 'by the machine''s administrator'), x.at, NULL::timestamptz
FROM audit x
WHERE x.tenant_id = current_tenant() AND x.at >= $1::timestamptz AND x.at < $2::timestamptz
  AND x.type ~ '^operation\..*(delete|remove|erase|forget|revoke)'
ORDER BY x.at
LIMIT 10000;
