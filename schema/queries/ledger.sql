-- The journal as the ledger of budgets, summed up over all tenants by the role that writes it; and the calendars by which
-- budgets are renewed.

-- name: ledger_calendar
-- role: journal
-- The day and the billing month that moment $1 is in, in zone $2 with billing day $3: bounds, and the ends as people there
-- read them.
SELECT day_begins(today, zone), day_begins(today + 1, zone), day_begins(month.first, zone), day_begins(month.next, zone),
       to_char(today + 1, 'YYYY-MM-DD'), to_char(month.next, 'YYYY-MM-DD')
FROM known_zone($2::text) zone, LATERAL (SELECT ($1::timestamptz AT TIME ZONE zone)::date AS today) d,
     billing_month(today, $3::integer) month;

-- name: ledger_calendars
-- role: directory
-- Of every tenant.
WITH zones AS MATERIALIZED (
        SELECT zone, known_zone(zone) AS known FROM (SELECT DISTINCT zone FROM tenants) t
), calendars AS MATERIALIZED (
        SELECT c.zone, c.billing_day, day_begins(today, known) AS day, day_begins(today + 1, known) AS next_day,
               day_begins(month.first, known) AS month, day_begins(month.next, known) AS next_month
        FROM (SELECT DISTINCT zone, billing_day, known, ($1::timestamptz AT TIME ZONE known)::date AS today
              FROM tenants JOIN zones USING (zone)) c,
             billing_month(today, billing_day) month
)
SELECT t.id, t.zone, t.billing_day, c.day, c.next_day, c.month, c.next_month
FROM tenants t JOIN calendars c USING (zone, billing_day);

-- name: ledger_snapshot
-- role: journal
-- What follows in this transaction sees one and the same moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: ledger_sums
-- role: journal
-- What was spent: since $1 (the minute), since the tenant's day and month ($4 and $5, of tenant $3), and since the day and
-- month of UTC ($2, $6), by all that a message is booked on. Money, then tokens, of each. Of messages of one day, $7, so that
-- no statement takes long; with $8 also of open messages of any day, which count with what their steps say, now.
WITH calendar AS MATERIALIZED (
        SELECT * FROM unnest($3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS c(tenant_id, day, month)
), booked AS (
        SELECT c.tenant_id, c.agent_id, c.account_id, c.grant_id, c.sender_domain, c.booked_at, c.cost_nano AS nano,
               c.prompt_tokens::bigint + c.completion_tokens + c.presumed_tokens AS tokens
        FROM concluded c
        WHERE c.id >= lowest_id($7::timestamptz::date)::uuid AND c.id < lowest_id($7::timestamptz::date + 1)::uuid
          AND (c.cost_nano <> 0 OR c.prompt_tokens <> 0 OR c.completion_tokens <> 0 OR c.presumed_tokens <> 0)
        UNION ALL
        SELECT a.tenant_id, a.agent_id, a.account_id, a.grant_id, a.sender_domain, 'infinity', s.nano, s.tokens
        FROM (SELECT message_id, max(spent_nano) AS nano, max(spent_tokens) AS tokens FROM steps
              WHERE $8::boolean AND message_id >= (SELECT low_water FROM heartbeats ORDER BY low_water LIMIT 1)
                AND (spent_nano <> 0 OR spent_tokens <> 0)
              GROUP BY message_id) s
        JOIN accepted a ON a.id = s.message_id
        WHERE NOT EXISTS (SELECT FROM concluded c WHERE c.id = s.message_id)
)
SELECT b.tenant_id, b.agent_id, b.account_id, b.grant_id, b.sender_domain,
       coalesce(sum(nano) FILTER (WHERE booked_at >= $1::timestamptz), 0)::bigint,
       coalesce(sum(tokens) FILTER (WHERE booked_at >= $1), 0)::bigint,
       coalesce(sum(nano) FILTER (WHERE booked_at >= c.day), 0)::bigint,
       coalesce(sum(tokens) FILTER (WHERE booked_at >= c.day), 0)::bigint,
       coalesce(sum(nano) FILTER (WHERE booked_at >= c.month), 0)::bigint,
       coalesce(sum(tokens) FILTER (WHERE booked_at >= c.month), 0)::bigint,
       coalesce(sum(nano) FILTER (WHERE booked_at >= $2::timestamptz), 0)::bigint,
       coalesce(sum(tokens) FILTER (WHERE booked_at >= $2), 0)::bigint,
       coalesce(sum(nano) FILTER (WHERE booked_at >= $6::timestamptz), 0)::bigint,
       coalesce(sum(tokens) FILTER (WHERE booked_at >= $6), 0)::bigint
FROM booked b JOIN calendar c USING (tenant_id)
GROUP BY 1, 2, 3, 4, 5;

-- name: ledger_open
-- role: journal
-- Messages for models that are not concluded, with who runs each since when, the ordinals of its last taken_up and presumed
-- steps, and what it has cost so far.
SELECT a.id, a.tenant_id, a.agent_id, a.account_id, a.grant_id, a.sender_domain, l.hub, coalesce(s.sequence, a.sequence) >> 40,
       coalesce(s.taken_up, -1), coalesce(s.presumed, -1), coalesce(s.nano, 0), coalesce(s.tokens, 0)
FROM accepted a
LEFT JOIN LATERAL (
        SELECT max(ordinal) FILTER (WHERE kind = 0) AS taken_up, max(ordinal) FILTER (WHERE kind = 4) AS presumed,
               max(spent_nano) AS nano, max(spent_tokens) AS tokens,
               (array_agg(hub ORDER BY ordinal DESC) FILTER (WHERE kind = 0))[1] AS hub,
               (array_agg(sequence ORDER BY ordinal DESC) FILTER (WHERE kind = 0))[1] AS sequence
        FROM steps WHERE message_id = a.id) s ON true
JOIN leases l ON l.number = coalesce(s.hub, a.hub)
WHERE a.id >= (SELECT low_water FROM heartbeats ORDER BY low_water LIMIT 1) AND a.kind = 0
  AND NOT EXISTS (SELECT FROM concluded c WHERE c.id = a.id);

-- name: ledger_totals
-- role: journal
-- What each of these messages has cost so far, and how many seconds ago it was concluded (null: it was not).
SELECT g.id, coalesce(c.cost_nano, s.nano, 0), coalesce(c.prompt_tokens::bigint + c.completion_tokens + c.presumed_tokens, s.tokens, 0),
       extract(epoch FROM now() - c.booked_at)::bigint
FROM unnest($1::uuid[]) AS g(id)
LEFT JOIN concluded c ON c.id = g.id
LEFT JOIN LATERAL (SELECT max(spent_nano) AS nano, max(spent_tokens) AS tokens FROM steps WHERE message_id = g.id) s ON true;

-- name: ledger_prices
-- role: directory
-- The dearest that a call of each of these agents may have been, by any of its versions.
SELECT v.agent_id, coalesce(max(greatest(v.prompt_price_nano, p.prompt_nano)), 0),
       coalesce(max(greatest(v.completion_price_nano, p.completion_nano)), 0), max(v.max_tokens)::bigint
FROM agent_versions v LEFT JOIN model_prices p USING (model) WHERE v.agent_id = ANY ($1::uuid[]) GROUP BY v.agent_id;
