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

-- name: keep_ahead
-- role: platform
-- How many days ahead there is a part of every table.
SELECT coalesce(min(last) - current_date, -1) FROM (SELECT max(day) AS last FROM parts GROUP BY parent) AS each;
