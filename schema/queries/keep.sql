-- Making parts ahead and taking old ones away. ALTER TABLE and DROP take no parameters, so the database writes them.

-- name: keep_make
-- role: owner
SELECT make_parts(current_date - 1, current_date + $1::integer);

-- name: keep_old
-- role: owner
-- Parts whose day is over for so many days, oldest first; of a day `concluded` first would make its messages look open, so
-- it goes last.
SELECT part, parent, day::text, pending,
       format(CASE WHEN pending THEN 'ALTER TABLE %I DETACH PARTITION %I FINALIZE'
                   ELSE 'ALTER TABLE %I DETACH PARTITION %I CONCURRENTLY' END, parent, part) AS detach,
       format('DROP TABLE %I', part) AS remove
FROM parts
WHERE day < current_date - CASE WHEN parent = 'idempotency' THEN 3 ELSE $1::integer END
ORDER BY day, parent = 'concluded', parent;

-- name: keep_open
-- role: journal
-- Whether a message of that day is still open. Once a part of accepted is gone, nothing of its day is.
SELECT EXISTS (SELECT FROM accepted a
               WHERE a.id >= lowest_id($1::text::date)::uuid AND a.id < lowest_id($1::text::date + 1)::uuid
                 AND NOT EXISTS (SELECT FROM concluded c WHERE c.id = a.id));

-- name: keep_operations
-- role: owner
DELETE FROM operation_log WHERE chained AND at < now() - interval '30 days';

-- name: keep_subscriptions
-- role: owner
DELETE FROM subscriptions WHERE removed_at < now() - interval '7 days';

-- name: keep_limits
-- role: owner
-- About one who wrote, and over: hubs have seen them go.
DELETE FROM limits WHERE subject = 'sender' AND removed_at < now() - interval '1 day';

-- name: keep_ahead
-- role: platform
-- How many days ahead there is a part of every table.
SELECT coalesce(min(last) - current_date, -1) FROM (SELECT max(day) AS last FROM parts GROUP BY parent) AS each;

-- name: keep_audit_old
-- role: owner
-- Parts of the audit whose month is over for so many days, oldest first, with the bounds of their times.
SELECT c.relname::text, first.at::timestamptz, (first.at + interval '1 month')::timestamptz, i.inhdetachpending,
       format(CASE WHEN i.inhdetachpending THEN 'ALTER TABLE audit DETACH PARTITION %I FINALIZE'
                   ELSE 'ALTER TABLE audit DETACH PARTITION %I CONCURRENTLY' END, c.relname) AS detach,
       format('DROP TABLE %I', c.relname) AS remove
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT to_date(right(c.relname, 6), 'YYYYMM')::timestamp AT TIME ZONE 'UTC' AS at) AS first
WHERE i.inhparent = 'audit'::regclass
  AND (first.at AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC' < now() - $1::integer * interval '1 day'
ORDER BY first.at;

-- name: keep_audit_ends
-- role: journal
-- The last of each chain's records from $1 to before $2, which are about to be removed.
SELECT DISTINCT ON (a.tenant_id, a.hub) a.tenant_id, l.hub, a.position, a.hash
FROM audit a JOIN leases l ON l.number = a.hub
WHERE a.at >= $1 AND a.at < $2
ORDER BY a.tenant_id, a.hub, a.position DESC;

-- name: keep_audit_close
-- role: journal
INSERT INTO audit_closings (tenant_id, hub, position, at, hash, public, signature)
SELECT $1, number, $3, $4, $5, $6, $7 FROM leases WHERE hub = $2
ON CONFLICT DO NOTHING;

-- name: keep_logs
-- role: owner
-- Of the tenants $2.
DELETE FROM tenant_log WHERE at < now() - $1::integer * interval '1 day' AND tenant_id = ANY ($2::uuid[]);

-- name: keep_security_events
-- role: owner
DELETE FROM security_events WHERE at < now() - $1::integer * interval '1 day' AND tenant_id = ANY ($2::uuid[]);

-- name: keep_figures
-- role: directory
-- Of each tenant that is left: its plan, the figure of $1 in the plan's stead, and its own; 0 = for ever.
SELECT t.id, t.plan, max(l.amount) FILTER (WHERE l.subject = 'plan'), max(l.amount) FILTER (WHERE l.subject = 'tenant')
FROM tenants t
LEFT JOIN limits l ON l.tenant_id = t.id AND l.what = $1 AND l.window_us = 0 AND l.removed_at IS NULL
     AND l.subject IN ('plan', 'tenant')
WHERE t.destroyed_at IS NULL
GROUP BY t.id
ORDER BY t.id;
