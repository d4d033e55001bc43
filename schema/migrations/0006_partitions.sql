-- oldest: 1
-- Parts of the journal and the audit, made ahead of time and taken away when they are old. Only the owner may call these.

-- A part is made beside its parent and then attached: CREATE … PARTITION OF would wait for every open reader, and hold up
-- every insert meanwhile. It is reached through its parent alone, so it is granted to nobody.
CREATE FUNCTION make_part(parent regclass, part text, low text, high text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
        IF to_regclass(part) IS NOT NULL THEN
                RETURN false;
        END IF;
        EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING ALL)', part, parent);
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = parent AND attname = 'tenant_id') THEN
                PERFORM guard_tenant_rows(part::regclass);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
        RETURN true;
END
$$;

-- The smallest version 7 UUID of a day (RFC 9562 §5.7).
CREATE FUNCTION lowest_id(day date) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT regexp_replace(lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0'),
                              '(.{8})(.{4})', '\1-\2-7000-8000-000000000000')
$$;

GRANT EXECUTE ON FUNCTION lowest_id TO aiox_journal, aiox_tenant;

-- Makes what is missing for the days from..to, and returns how many parts that were.
CREATE FUNCTION make_parts(from_day date, to_day date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
        made integer := 0;
        parent regclass;
        first date;
BEGIN
        PERFORM set_config('timezone', 'UTC', true);
        FOR first IN SELECT generate_series(from_day, to_day, interval '1 day')::date LOOP
                FOREACH parent IN ARRAY ARRAY['accepted', 'steps', 'concluded', 'cancelled']::regclass[] LOOP
                        made := made + make_part(parent, parent || to_char(first, '_YYYYMMDD'),
                                                 lowest_id(first), lowest_id(first + 1))::integer;
                END LOOP;
                made := made + make_part('idempotency', 'idempotency' || to_char(first, '_YYYYMMDD'),
                                         first::text, (first + 1)::text)::integer;
        END LOOP;
        FOR first IN SELECT generate_series(date_trunc('month', from_day::timestamp), to_day, interval '1 month')::date LOOP
                made := made + make_part('audit', 'audit' || to_char(first, '_YYYYMM'),
                                         first::text, (first + interval '1 month')::date::text)::integer;
        END LOOP;
        RETURN made;
END
$$;

-- Parts of the journal and of the keys, with the day in their names.
CREATE VIEW parts WITH (security_invoker = true) AS
SELECT p.relname::text AS parent, c.relname::text AS part, to_date(right(c.relname, 8), 'YYYYMMDD') AS day,
       i.inhdetachpending AS pending
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relname IN ('accepted', 'steps', 'concluded', 'cancelled', 'idempotency')
  AND p.relnamespace = 'public'::regnamespace AND p.relkind = 'p' AND c.relkind = 'r';
GRANT SELECT ON parts TO aiox_platform;
