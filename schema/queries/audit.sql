-- The audit as its tenant reads it.

-- name: audit_rows
-- role: tenant
-- Chain by chain, in order.
SELECT a.hub, l.hub, a.position, a.at, a.type, a.severity, a.message_id, a.agent_id, a.person_id, a.facts, a.hash
FROM audit a JOIN leases l ON l.number = a.hub
WHERE a.tenant_id = current_tenant()
ORDER BY a.hub, a.position, a.at;
