-- oldest: 1
-- Prices with their dates, what was used by the day, and how far the counting has come.

-- What a million of a meter's units costs from a moment on (stored-bytes: a gigabyte for a month of 720 hours), and what a
-- tenant is charged for it. No row is ever changed: the next one follows. Of several with one moment the last one set holds.
CREATE TABLE prices (
        id           uuid PRIMARY KEY,
        meter        text NOT NULL CHECK (meter IN ('prompt-tokens', 'completion-tokens', 'cached-tokens', 'compute-ms',
                                                    'stored-bytes', 'api-calls', 'tool-runs', 'messages')),
        model        text NOT NULL DEFAULT '', -- of tokens
        price_nano   bigint NOT NULL CHECK (price_nano BETWEEN 0 AND 1000000000000000),
        margin_bp    integer NOT NULL DEFAULT 0 CHECK (margin_bp BETWEEN 0 AND 100000), -- hundredths of a percent
        charged_nano bigint NOT NULL CHECK (charged_nano <= 4000000000000000)
                     GENERATED ALWAYS AS (div(price_nano::numeric * (10000 + margin_bp) + 9999, 10000)::bigint) STORED,
        valid_from   timestamptz NOT NULL,
        created_by   uuid,
        created_at   timestamptz NOT NULL DEFAULT now(),
        changed      xid8 NOT NULL DEFAULT pg_current_xact_id(),
        CHECK ((model <> '') = (meter IN ('prompt-tokens', 'completion-tokens', 'cached-tokens')))
);
CREATE INDEX prices_of ON prices (meter, model, valid_from, id);
CREATE INDEX prices_changed ON prices (changed);
-- Prices belong to the installation, and so does what it pays itself: no tenant reads them.
ALTER TABLE prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE prices FORCE ROW LEVEL SECURITY;
CREATE POLICY installation ON prices TO aiox_tenant
        USING (current_tenant() = 'a10c0000-0000-4000-8000-000000000000')
        WITH CHECK (current_tenant() = 'a10c0000-0000-4000-8000-000000000000');
CREATE POLICY journal_reads ON prices FOR SELECT TO aiox_journal USING (true);
CREATE POLICY directory ON prices FOR SELECT TO aiox_directory USING (true);
GRANT SELECT, INSERT ON prices TO aiox_tenant;
GRANT SELECT ON prices TO aiox_journal, aiox_directory;

-- From when to when each holds; valid_until null: until another follows.
CREATE VIEW price_ranges WITH (security_invoker = true) AS
SELECT id, meter, model, price_nano, margin_bp, charged_nano, valid_from,
       lead(valid_from) OVER (PARTITION BY meter, model ORDER BY valid_from, id) AS valid_until
FROM prices;
-- What tokens of a model cost now; null = no price is set.
CREATE VIEW model_prices WITH (security_invoker = true) AS
SELECT model, max(charged_nano) FILTER (WHERE meter = 'prompt-tokens') AS prompt_nano,
       max(charged_nano) FILTER (WHERE meter = 'completion-tokens') AS completion_nano,
       max(charged_nano) FILTER (WHERE meter = 'cached-tokens') AS cached_nano
FROM price_ranges
WHERE model <> '' AND valid_from <= now() AND (valid_until IS NULL OR valid_until > now())
GROUP BY model;
GRANT SELECT ON price_ranges, model_prices TO aiox_tenant, aiox_journal, aiox_directory;

-- UTC in place of a zone that the database does not know (any more): one tenant's must not stop the counting for all.
CREATE FUNCTION known_zone(zone text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
        PERFORM now() AT TIME ZONE zone;
        RETURN zone;
EXCEPTION WHEN invalid_parameter_value THEN
        RETURN 'UTC';
END
$$;
GRANT EXECUTE ON FUNCTION known_zone TO aiox_tenant, aiox_journal, aiox_directory;

-- What was used on a day of the tenant's zone. Zero ids and an empty model: of none in particular. The sums of cost are
-- whole: nano-units for tokens as each call was rounded, the others before they are divided by what their prices are for, so
-- that nothing is lost by adding up.
CREATE TABLE usage_days (
        tenant_id         uuid NOT NULL,
        day               date NOT NULL,
        person_id         uuid NOT NULL,
        agent_id          uuid NOT NULL,
        model             text NOT NULL,
        messages          bigint NOT NULL DEFAULT 0,
        model_calls       bigint NOT NULL DEFAULT 0,
        tool_runs         bigint NOT NULL DEFAULT 0,
        api_calls         bigint NOT NULL DEFAULT 0,
        prompt_tokens     bigint NOT NULL DEFAULT 0,
        completion_tokens bigint NOT NULL DEFAULT 0,
        cached_tokens     bigint NOT NULL DEFAULT 0,
        compute_us        bigint NOT NULL DEFAULT 0,
        byte_hours        numeric NOT NULL DEFAULT 0,
        token_nano        numeric NOT NULL DEFAULT 0,
        compute_wide      numeric NOT NULL DEFAULT 0, -- microseconds × price of a million milliseconds
        count_wide        numeric NOT NULL DEFAULT 0, -- messages, tool runs, calls × price of a million
        byte_wide         numeric NOT NULL DEFAULT 0, -- byte-hours × price of a gigabyte for a month
        cost_nano         numeric NOT NULL GENERATED ALWAYS AS (token_nano + ceil(compute_wide / 1000000000) +
                                                                ceil(count_wide / 1000000) +
                                                                ceil(byte_wide / 720000000000)) STORED,
        PRIMARY KEY (tenant_id, day, person_id, agent_id, model)
) WITH (fillfactor = 70);
SELECT guard_tenant_rows('usage_days');
CREATE POLICY journal_counts ON usage_days TO aiox_journal USING (true) WITH CHECK (true);
CREATE POLICY directory ON usage_days FOR SELECT TO aiox_directory USING (true);
GRANT SELECT ON usage_days TO aiox_tenant, aiox_directory;
GRANT SELECT, INSERT, UPDATE ON usage_days TO aiox_journal;

-- Up to which of a hub's conclusions everything stands in usage_days; moved by the transaction that counts them. Who counts
-- holds all rows, so that there is one at a time.
CREATE TABLE usage_cursors (
        hub      smallint PRIMARY KEY,
        sequence bigint NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE ON usage_cursors TO aiox_journal;

-- Calls of the API by the minute, as a hub counted them; the id makes a repeated writing harmless.
CREATE TABLE usage_calls (
        tenant_id uuid NOT NULL,
        id        uuid NOT NULL,
        person_id uuid NOT NULL,
        at        timestamptz NOT NULL,
        calls     bigint NOT NULL CHECK (calls > 0),
        PRIMARY KEY (tenant_id, id)
);
-- Bytes a tenant had stored at an hour.
CREATE TABLE usage_samples (
        tenant_id uuid NOT NULL,
        hour      timestamptz NOT NULL,
        bytes     numeric NOT NULL,
        PRIMARY KEY (tenant_id, hour)
);
-- Bytes of messages and answers in the journal's parts of a day.
CREATE TABLE journal_bytes (
        tenant_id uuid NOT NULL,
        day       date NOT NULL,
        bytes     numeric NOT NULL,
        PRIMARY KEY (tenant_id, day)
);
SELECT guard_tenant_rows('usage_calls'), guard_tenant_rows('usage_samples'), guard_tenant_rows('journal_bytes');
CREATE POLICY journal_counts ON usage_calls TO aiox_journal USING (true) WITH CHECK (true);
CREATE POLICY journal_counts ON usage_samples TO aiox_journal USING (true) WITH CHECK (true);
CREATE POLICY journal_counts ON journal_bytes TO aiox_journal USING (true) WITH CHECK (true);
GRANT SELECT ON usage_calls, usage_samples TO aiox_tenant;
GRANT SELECT, INSERT, DELETE ON usage_calls, usage_samples TO aiox_journal;
GRANT SELECT, INSERT, UPDATE, DELETE ON journal_bytes TO aiox_journal;

-- What the counting reads beside the journal: sizes, zones and names of models, no contents.
ALTER TABLE accepted ADD COLUMN body_bytes integer NOT NULL DEFAULT 0; -- as it is kept
GRANT SELECT (body_bytes) ON accepted TO aiox_journal;
CREATE POLICY journal_reads ON tenants FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON agent_versions FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON documents FOR SELECT TO aiox_journal USING (true);
CREATE POLICY journal_reads ON objects FOR SELECT TO aiox_journal USING (true);
GRANT SELECT (id, zone) ON tenants TO aiox_journal;
GRANT SELECT (tenant_id, id, model) ON agent_versions TO aiox_journal;
GRANT SELECT (tenant_id, size) ON documents TO aiox_journal;
GRANT SELECT (tenant_id, size) ON objects TO aiox_journal;
GRANT SELECT ON parts TO aiox_journal;
