-- oldest: 1
-- The journal as the ledger of budgets: whom a message's cost is booked on, and what it has cost so far. And the calendar
-- by which budgets are renewed.

ALTER TABLE accepted
        ADD COLUMN account_id uuid,     -- of the sender, when it has one
        ADD COLUMN grant_id uuid,       -- by which the sender may
        ADD COLUMN sender_domain text;  -- of a sender without account
GRANT SELECT (account_id, grant_id, sender_domain) ON accepted TO aiox_journal;

ALTER TABLE concluded
        ADD COLUMN agent_id uuid,
        ADD COLUMN account_id uuid,
        ADD COLUMN grant_id uuid,
        ADD COLUMN sender_domain text,
        ADD COLUMN presumed_tokens bigint NOT NULL DEFAULT 0, -- which calls with an unknown outcome may have used
        ADD COLUMN booked_at timestamptz NOT NULL DEFAULT now(); -- by the database's clock, whatever a hub's says

-- Of the whole message, up to and with this step: 0 where a step accounts for nothing. Kind 4: presumed.
ALTER TABLE steps
        ADD COLUMN spent_nano bigint NOT NULL DEFAULT 0,
        ADD COLUMN spent_tokens bigint NOT NULL DEFAULT 0;

-- The first instant of a day in a zone. Midnight may not be there (then the day begins when clocks go on), or be there
-- twice (then with the first).
CREATE FUNCTION day_begins(day date, zone text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT min(midnight - back)
        FROM (SELECT day::timestamp AT TIME ZONE zone AS midnight) m,
             unnest(ARRAY['0', '30 minutes', '1 hour', '2 hours']::interval[]) back
        WHERE ((midnight - back) AT TIME ZONE zone)::date = day
$$;

-- The billing month that a day is in: it begins on billing_day, or on the last day of a month that is too short.
CREATE FUNCTION billing_month(day date, billing_day integer, OUT first date, OUT next date) LANGUAGE sql IMMUTABLE AS $$
        WITH starts AS (
                SELECT (month + least(billing_day, extract(day FROM month + interval '1 month - 1 day')::integer) - 1)::date AS start
                FROM (SELECT (date_trunc('month', day::timestamp) + n * interval '1 month')::date AS month
                      FROM generate_series(-1, 1) n) months
        )
        SELECT max(start) FILTER (WHERE start <= day), min(start) FILTER (WHERE start > day) FROM starts
$$;
GRANT EXECUTE ON FUNCTION day_begins, billing_month TO aiox_tenant, aiox_journal, aiox_platform, aiox_directory;
