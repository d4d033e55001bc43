-- Tenants' logs, and what was unusual.

-- name: tenant_log_add
-- role: journal
INSERT INTO tenant_log (tenant_id, id, at, hub, level, sentence, agent_id, fields)
SELECT tenant_id, id, at, $1, level, sentence, agent_id, fields::jsonb
FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::uuid[], $8::text[])
        AS g(tenant_id, id, at, level, sentence, agent_id, fields)
ON CONFLICT DO NOTHING;

-- name: tenant_log_page
-- role: tenant
-- Newest first, before $1 (null: from the end); $2 a level, $3 an agent, $4 not older than this, or null.
SELECT l.id, l.at, l.level, l.sentence, l.agent_id, a.name, l.fields, l.hub
FROM tenant_log l LEFT JOIN agents a ON a.id = l.agent_id
WHERE l.tenant_id = current_tenant() AND ($1::uuid IS NULL OR l.id < $1) AND ($2::text IS NULL OR l.level = $2)
  AND ($3::uuid IS NULL OR l.agent_id = $3) AND ($4::timestamptz IS NULL OR l.at >= $4)
ORDER BY l.id DESC
LIMIT $5;

-- name: known_domain_add
-- role: tenant
-- One row: it was not known.
INSERT INTO known_domains (tenant_id, domain) VALUES (current_tenant(), $1) ON CONFLICT DO NOTHING RETURNING domain;

-- name: watched_account
-- role: directory
SELECT id FROM accounts WHERE jid = $1 AND state <> 'deleted';

-- name: security_event_add
-- role: tenant
INSERT INTO security_events (tenant_id, id, at, hub, kind, severity, account_id, domain, agent_id, facts, limit_id, until)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: security_event_page
-- role: tenant
-- Newest first, before $1 (null: from the end); $2 a severity or null.
SELECT e.id, e.at, e.kind, e.severity, e.account_id, o.jid, e.domain, e.agent_id, e.facts, e.until, e.lifted_at, e.hub
FROM security_events e LEFT JOIN accounts o ON o.id = e.account_id
WHERE e.tenant_id = current_tenant() AND ($1::uuid IS NULL OR e.id < $1) AND ($2::text IS NULL OR e.severity = $2)
ORDER BY e.id DESC
LIMIT $3;

-- name: security_event_find
-- role: tenant
SELECT limit_id, kind, account_id, domain, lifted_at FROM security_events WHERE tenant_id = current_tenant() AND id = $1;

-- name: security_event_lift
-- role: tenant
UPDATE security_events SET lifted_at = now() WHERE tenant_id = current_tenant() AND id = $1 AND lifted_at IS NULL;

-- name: security_events_due
-- role: journal
-- Throttles that are over.
SELECT tenant_id, id, limit_id FROM security_events
WHERE limit_id IS NOT NULL AND lifted_at IS NULL AND until < now()
LIMIT 200;

-- name: throttle_add
-- role: tenant
-- A limit beside those that people set: nothing when one of this window stands there already.
INSERT INTO limits (tenant_id, id, subject, subject_id, subject_name, what, window_us, amount)
VALUES (current_tenant(), $1, $2, $3, $4, 'messages', $5, $6)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: throttle_remove
-- role: tenant
UPDATE limits SET removed_at = now() WHERE tenant_id = current_tenant() AND id = $1 AND removed_at IS NULL
RETURNING subject, subject_id, subject_name, what, window_us, amount;

-- name: admins_jids
-- role: tenant
SELECT a.jid FROM members m JOIN accounts a ON a.id = m.account_id
WHERE m.role IN ('owner', 'admin') AND m.removed_at IS NULL AND a.state = 'active'
ORDER BY a.jid
LIMIT 20;
