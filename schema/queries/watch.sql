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

-- name: watched_history
-- role: tenant
-- What person $1 wrote on the $2 days before today by the tenant's calendar, from his first on: how many days, the sum, the
-- sum of squares; and today.
SELECT coalesce(max(z.today - d.day) FILTER (WHERE d.day < z.today), 0)::bigint,
       coalesce(sum(u.messages) FILTER (WHERE d.day < z.today), 0)::float8,
       coalesce(sum(u.messages * u.messages) FILTER (WHERE d.day < z.today), 0)::float8,
       coalesce(sum(u.messages) FILTER (WHERE d.day = z.today), 0)::bigint
FROM (SELECT (now() AT TIME ZONE known_zone(zone))::date AS today FROM tenants WHERE id = current_tenant()) AS z
CROSS JOIN LATERAL (SELECT z.today - n AS day FROM generate_series(0, $2::integer) AS n) AS d
CROSS JOIN LATERAL (SELECT sum(messages) AS messages FROM usage_days
                    WHERE tenant_id = current_tenant() AND day = d.day AND person_id = $1::uuid) AS u
WHERE u.messages > 0;

-- name: security_event_lock
-- role: tenant
-- Held to the end of the transaction: who looks whether there was an event of kind $1 lately, and then adds one.
SELECT pg_advisory_xact_lock(hashtextextended(current_tenant() || 'security' || $1::text, 0))::text;

-- name: security_event_lately
-- role: tenant
-- One row: there was one of kind $1 in the last $2 seconds, about person $3 or domain $4.
SELECT 1 FROM security_events
WHERE tenant_id = current_tenant() AND kind = $1 AND at > now() - $2::integer * interval '1 second'
  AND ($3::uuid IS NULL OR person_id = $3) AND ($4::text IS NULL OR domain = $4)
LIMIT 1;

-- name: security_event_add
-- role: tenant
INSERT INTO security_events (tenant_id, id, at, hub, kind, severity, account_id, domain, agent_id, facts, limit_id, until,
                             person_id)
VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: security_event_page
-- role: tenant
-- Newest first, before $1 (null: from the end); $2 a severity or null. Who it was, as the tenant knows him: not whether he has
-- an account, which may be another's.
SELECT e.id, e.at, e.kind, e.severity, e.person_id, l.subject_name, e.domain, e.agent_id, e.facts, e.until, e.lifted_at, e.hub,
       p.key_id, p.jid
FROM security_events e
LEFT JOIN persons p ON p.id = e.person_id
LEFT JOIN limits l ON l.id = e.limit_id AND e.person_id IS NOT NULL
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
-- Throttles that are over, with whose limit it is: the tenant's, or, of a hub of an older version, the installation's.
SELECT e.tenant_id, e.id, l.tenant_id, l.id
FROM security_events e
JOIN limits l ON l.id = e.limit_id AND l.tenant_id IN (e.tenant_id, 'a10c0000-0000-4000-8000-000000000000')
WHERE e.limit_id IS NOT NULL AND e.until < now() AND l.removed_at IS NULL
LIMIT 200;

-- name: throttle_add
-- role: tenant
-- A limit beside those that people set: nothing when one of this window stands there already, or $5 of them do.
INSERT INTO limits (tenant_id, id, subject, subject_name, what, window_us, amount)
SELECT current_tenant(), $1, 'sender', $2, 'messages', $3, $4
WHERE (SELECT count(*) FROM limits WHERE tenant_id = current_tenant() AND subject = 'sender' AND what = 'messages'
                                         AND window_us = $3 AND removed_at IS NULL) < $5
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
