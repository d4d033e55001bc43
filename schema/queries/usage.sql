-- Prices, what was used, and what it costs.

-- name: price_add
-- role: tenant
-- Only as the installation.
INSERT INTO prices (id, meter, model, price_nano, margin_bp, valid_from, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING charged_nano;

-- name: prices_list
-- role: tenant
-- Only as the installation.
SELECT id::text, meter, model, price_nano, margin_bp, charged_nano, valid_from, valid_until,
       valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
FROM price_ranges
WHERE ($1::text IS NULL OR meter = $1) AND ($2::text IS NULL OR model = $2)
  AND (NOT $3::boolean OR valid_until IS NULL OR valid_until > now())
  AND ($4::uuid IS NULL OR id > $4)
ORDER BY id
LIMIT $5;

-- name: model_price
-- role: directory
SELECT prompt_nano, completion_nano FROM model_prices WHERE model = $1;

-- name: prices_in_force
-- role: directory
-- Those of tokens that hold now or will.
SELECT meter, model, charged_nano, valid_from FROM price_ranges
WHERE model <> '' AND (valid_until IS NULL OR valid_until > now() - interval '1 minute')
ORDER BY model, meter, valid_from, id;

-- name: usage_patience
-- role: journal
SELECT set_config('lock_timeout', '5s', true);

-- name: usage_hubs
-- role: journal
INSERT INTO usage_cursors (hub) SELECT number FROM leases ON CONFLICT DO NOTHING;

-- name: usage_hold
-- role: journal
SELECT hub FROM usage_cursors ORDER BY hub FOR UPDATE;

-- name: usage_count
-- role: journal
-- Counts the next conclusions of hub $1, at most $2, and moves its cursor; returns how many those were, no row for none. A
-- continuation is part of the message that it continues.
WITH page AS MATERIALIZED (
        SELECT c.tableoid AS part, c.id, c.tenant_id, c.version_id, c.sequence, c.concluded_at, c.cost_nano, c.prompt_tokens,
               c.completion_tokens, c.cached_tokens, c.model_calls, c.tool_calls,
               greatest(c.total_us - c.queue_us, 0) AS compute_us,
               coalesce(octet_length(c.answer), 0) + coalesce(octet_length(c.explanation), 0) AS answer_bytes
        FROM concluded c
        WHERE c.hub = $1 AND c.sequence > (SELECT sequence FROM usage_cursors WHERE hub = $1)
        ORDER BY c.sequence LIMIT $2::integer
), zones AS MATERIALIZED (
        SELECT id, known_zone(zone) AS zone FROM tenants WHERE id IN (SELECT tenant_id FROM page)
), ranges AS MATERIALIZED (
        SELECT meter, charged_nano, valid_from, coalesce(valid_until, 'infinity') AS valid_until FROM price_ranges
        WHERE meter IN ('messages', 'tool-runs', 'compute-ms')
), facts AS MATERIALIZED (
        SELECT p.*, a.body_bytes, (p.concluded_at AT TIME ZONE coalesce(z.zone, 'UTC'))::date AS day,
               coalesce(a.person_id, '00000000-0000-0000-0000-000000000000') AS person_id,
               coalesce(a.agent_id, '00000000-0000-0000-0000-000000000000') AS agent_id, coalesce(v.model, '') AS model,
               (a.continues IS NULL)::integer AS messages,
               coalesce(m.charged_nano, 0)::numeric AS message_price, coalesce(r.charged_nano, 0)::numeric AS run_price,
               coalesce(w.charged_nano, 0)::numeric AS compute_price
        FROM page p
        LEFT JOIN accepted a ON a.id = p.id AND a.id >= (SELECT id FROM page ORDER BY id LIMIT 1)
                                            AND a.id <= (SELECT id FROM page ORDER BY id DESC LIMIT 1)
        LEFT JOIN agent_versions v ON v.tenant_id = p.tenant_id AND v.id = p.version_id
        LEFT JOIN zones z ON z.id = p.tenant_id
        LEFT JOIN ranges m ON m.meter = 'messages' AND p.concluded_at >= m.valid_from AND p.concluded_at < m.valid_until
        LEFT JOIN ranges r ON r.meter = 'tool-runs' AND p.concluded_at >= r.valid_from AND p.concluded_at < r.valid_until
        LEFT JOIN ranges w ON w.meter = 'compute-ms' AND p.concluded_at >= w.valid_from AND p.concluded_at < w.valid_until
), counted AS (
        INSERT INTO usage_days (tenant_id, day, person_id, agent_id, model, messages, model_calls, tool_runs, prompt_tokens,
                                completion_tokens, cached_tokens, compute_us, token_nano, compute_wide, count_wide)
        SELECT tenant_id, day, person_id, agent_id, model, sum(messages), sum(model_calls), sum(tool_calls),
               sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(compute_us), sum(cost_nano),
               sum(compute_us * compute_price), sum(messages * message_price + tool_calls * run_price)
        FROM facts GROUP BY tenant_id, day, person_id, agent_id, model
        ON CONFLICT (tenant_id, day, person_id, agent_id, model) DO UPDATE
        SET messages = usage_days.messages + excluded.messages, model_calls = usage_days.model_calls + excluded.model_calls,
            tool_runs = usage_days.tool_runs + excluded.tool_runs,
            prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = usage_days.completion_tokens + excluded.completion_tokens,
            cached_tokens = usage_days.cached_tokens + excluded.cached_tokens,
            compute_us = usage_days.compute_us + excluded.compute_us,
            token_nano = usage_days.token_nano + excluded.token_nano,
            compute_wide = usage_days.compute_wide + excluded.compute_wide,
            count_wide = usage_days.count_wide + excluded.count_wide
), kept AS (
        INSERT INTO journal_bytes (tenant_id, day, bytes)
        SELECT f.tenant_id, to_date(right(c.relname, 8), 'YYYYMMDD'), f.bytes
        FROM (SELECT tenant_id, part, sum(coalesce(body_bytes, 0) + answer_bytes) AS bytes FROM facts
              GROUP BY tenant_id, part) AS f
        JOIN pg_class c ON c.oid = f.part
        ON CONFLICT (tenant_id, day) DO UPDATE SET bytes = journal_bytes.bytes + excluded.bytes
)
UPDATE usage_cursors SET sequence = (SELECT max(sequence) FROM page)
WHERE hub = $1 AND EXISTS (SELECT FROM page)
RETURNING (SELECT count(*) FROM page);

-- name: usage_calls_add
-- role: journal
-- Calls of the API, one item a row; what was written before, under the same ids, is not counted again.
WITH written AS (
        INSERT INTO usage_calls (tenant_id, id, person_id, at, calls)
        SELECT tenant_id, id, person_id, at, calls
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[])
                AS g(tenant_id, id, person_id, at, calls)
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, person_id, at, calls
), zones AS MATERIALIZED (
        SELECT id, known_zone(zone) AS zone FROM tenants WHERE id IN (SELECT tenant_id FROM written)
)
INSERT INTO usage_days (tenant_id, day, person_id, agent_id, model, api_calls, count_wide)
SELECT w.tenant_id, (w.at AT TIME ZONE coalesce(z.zone, 'UTC'))::date, w.person_id,
       '00000000-0000-0000-0000-000000000000', '', sum(w.calls), sum(w.calls * coalesce(p.charged_nano, 0)::numeric)
FROM written w
LEFT JOIN zones z ON z.id = w.tenant_id
LEFT JOIN price_ranges p ON p.meter = 'api-calls' AND w.at >= p.valid_from AND (p.valid_until IS NULL OR w.at < p.valid_until)
GROUP BY 1, 2, 3
ON CONFLICT (tenant_id, day, person_id, agent_id, model) DO UPDATE
SET api_calls = usage_days.api_calls + excluded.api_calls, count_wide = usage_days.count_wide + excluded.count_wide;

-- name: usage_sample
-- role: journal
-- What each tenant has stored at this hour; nothing when it was looked at before.
WITH stored AS (
        SELECT tenant_id, sum(bytes) AS bytes
        FROM (SELECT tenant_id, bytes FROM journal_bytes
              UNION ALL SELECT tenant_id, size FROM documents
              UNION ALL SELECT tenant_id, size FROM objects) AS each
        GROUP BY tenant_id HAVING sum(bytes) > 0
), written AS (
        INSERT INTO usage_samples (tenant_id, hour, bytes) SELECT tenant_id, date_trunc('hour', now()), bytes FROM stored
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, hour, bytes
), zones AS MATERIALIZED (
        SELECT id, known_zone(zone) AS zone FROM tenants WHERE id IN (SELECT tenant_id FROM written)
)
INSERT INTO usage_days (tenant_id, day, person_id, agent_id, model, byte_hours, byte_wide)
SELECT w.tenant_id, (w.hour AT TIME ZONE coalesce(z.zone, 'UTC'))::date, '00000000-0000-0000-0000-000000000000',
       '00000000-0000-0000-0000-000000000000', '', w.bytes, w.bytes * coalesce(p.charged_nano, 0)
FROM written w
LEFT JOIN zones z ON z.id = w.tenant_id
LEFT JOIN price_ranges p
       ON p.meter = 'stored-bytes' AND w.hour >= p.valid_from AND (p.valid_until IS NULL OR w.hour < p.valid_until)
ON CONFLICT (tenant_id, day, person_id, agent_id, model) DO UPDATE
SET byte_hours = usage_days.byte_hours + excluded.byte_hours, byte_wide = usage_days.byte_wide + excluded.byte_wide;

-- name: usage_forget_calls
-- role: journal
DELETE FROM usage_calls WHERE at < now() - interval '40 days';

-- name: usage_forget_samples
-- role: journal
DELETE FROM usage_samples WHERE hour < now() - interval '40 days';

-- name: usage_forget_bytes
-- role: journal
-- Of days whose parts were taken away.
DELETE FROM journal_bytes WHERE day NOT IN (SELECT day FROM parts WHERE parent = 'accepted');

-- name: usage_period
-- role: tenant
-- The billing period of today ($1 false) or the one before it, first and last day, and the zone its days are of.
SELECT p.first::text, (p.next - 1)::text, z.zone
FROM tenants t
CROSS JOIN LATERAL (SELECT known_zone(t.zone) AS zone) z
CROSS JOIN LATERAL billing_month((now() AT TIME ZONE z.zone)::date, t.billing_day) c
CROSS JOIN LATERAL billing_month(CASE WHEN $1::boolean THEN c.first - 1 ELSE c.first END, t.billing_day) p
WHERE t.id = current_tenant();

-- name: usage_groups
-- role: tenant
-- From day $1 to $2, of person $3 and agent $4 if given, by $5 (day, account, agent, model; else all in one); after $6,
-- at most $7.
SELECT g.key, CASE WHEN $5::text = 'agent' THEN (SELECT a.name FROM agents a WHERE a.id::text = g.key) END, g.messages,
       g.model_calls, g.tool_runs, g.api_calls, g.prompt_tokens, g.completion_tokens, g.cached_tokens, g.compute_us,
       g.byte_hours, g.cost_nano
FROM (SELECT CASE $5::text WHEN 'day' THEN d.day::text WHEN 'account' THEN d.person_id::text
                           WHEN 'agent' THEN d.agent_id::text WHEN 'model' THEN coalesce(nullif(d.model, ''), '-')
                           ELSE 'total' END AS key,
             coalesce(sum(d.messages), 0)::bigint AS messages, coalesce(sum(d.model_calls), 0)::bigint AS model_calls,
             coalesce(sum(d.tool_runs), 0)::bigint AS tool_runs, coalesce(sum(d.api_calls), 0)::bigint AS api_calls,
             coalesce(sum(d.prompt_tokens), 0)::bigint AS prompt_tokens,
             coalesce(sum(d.completion_tokens), 0)::bigint AS completion_tokens,
             coalesce(sum(d.cached_tokens), 0)::bigint AS cached_tokens,
             coalesce(sum(d.compute_us), 0)::bigint AS compute_us,
             least(coalesce(sum(d.byte_hours), 0), 9007199254740991)::bigint AS byte_hours,
             least(coalesce(sum(d.cost_nano), 0), 9223372036854775807)::bigint AS cost_nano
      FROM usage_days d
      WHERE d.day BETWEEN $1::text::date AND $2::text::date AND ($3::uuid IS NULL OR d.person_id = $3)
        AND ($4::uuid IS NULL OR d.agent_id = $4)
      GROUP BY 1) AS g
WHERE g.key COLLATE "C" > $6::text
ORDER BY g.key COLLATE "C"
LIMIT $7;

-- name: usage_rows
-- role: tenant
-- The same, not added up.
SELECT d.day::text, d.person_id, coalesce(a.name, ''), d.model, d.messages, d.model_calls, d.tool_runs, d.api_calls,
       d.prompt_tokens, d.completion_tokens, d.cached_tokens, d.compute_us,
       least(d.byte_hours, 9007199254740991)::bigint, least(d.cost_nano, 9223372036854775807)::bigint
FROM usage_days d
LEFT JOIN agents a ON a.id = d.agent_id
WHERE d.day BETWEEN $1::text::date AND $2::text::date AND ($3::uuid IS NULL OR d.person_id = $3)
  AND ($4::uuid IS NULL OR d.agent_id = $4)
ORDER BY d.day, d.person_id, d.agent_id, d.model
LIMIT $5;

-- name: usage_people
-- role: tenant
-- Members: who they are stands nowhere in what was used.
SELECT a.jid FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.removed_at IS NULL ORDER BY a.jid;

-- name: usage_tenants
-- role: directory
-- What each tenant used from day $1 to $2, after $3, at most $4.
SELECT t.slug, coalesce(sum(d.messages), 0)::bigint, coalesce(sum(d.model_calls), 0)::bigint,
       coalesce(sum(d.tool_runs), 0)::bigint, coalesce(sum(d.api_calls), 0)::bigint,
       coalesce(sum(d.prompt_tokens), 0)::bigint, coalesce(sum(d.completion_tokens), 0)::bigint,
       coalesce(sum(d.cached_tokens), 0)::bigint, coalesce(sum(d.compute_us), 0)::bigint,
       least(coalesce(sum(d.byte_hours), 0), 9007199254740991)::bigint,
       least(coalesce(sum(d.cost_nano), 0), 9223372036854775807)::bigint
FROM tenants t LEFT JOIN usage_days d ON d.tenant_id = t.id AND d.day BETWEEN $1::text::date AND $2::text::date
WHERE t.slug > $3
GROUP BY t.slug
ORDER BY t.slug
LIMIT $4;
