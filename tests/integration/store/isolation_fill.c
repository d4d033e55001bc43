#include "tests/integration/store/isolation.h"

/* Candidates of values for one column: what its type, its checks and its default offer, likeliest first. */
static const char candidates[] =
        "CREATE FUNCTION pg_temp.candidates(filled regclass, number smallint, tenant uuid) RETURNS text[] LANGUAGE sql "
        "AS $$"
        "  WITH c AS (SELECT a.*, format_type(atttypid, NULL) AS type FROM pg_attribute a"
        "             WHERE attrelid = filled AND attnum = number),"
        "  checks AS (SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint"
        "             WHERE conrelid = filled AND contype = 'c' AND number = ANY (conkey)),"
        "  words AS (SELECT DISTINCT quote_literal(m[1]) AS word FROM checks, regexp_matches(text, '''([^'']*)''', "
        "'g') m),"
        "  numbers AS (SELECT DISTINCT m[1] AS digits FROM checks, regexp_matches(text, '\\m(\\d{1,4})\\M', 'g') m),"
        "  plain(type, literal) AS (VALUES ('uuid', quote_literal(tenant)), ('text', quote_literal('" FILLED_WORD "')),"
        "        ('bytea', quote_literal('" FILLED_WORD "') || '::bytea'), ('smallint', '1'), ('integer', '1'),"
        "        ('bigint', '1'), ('boolean', 'true'), ('timestamp with time zone', 'now()'), ('date', 'current_date'),"
        "        ('jsonb', '''{}'''), ('json', '''{}'''), ('double precision', '0.5'), ('real', '0.5'),"
        "        ('numeric', '1'), ('interval', '''1 day'''), ('inet', '''127.0.0.1'''), ('xid8', '''1'''),"
        "        ('tsvector', 'to_tsvector(''" FILLED_WORD "'')')),"
        "  typed AS (SELECT p.literal, 1 AS place FROM plain p, c WHERE p.type = c.type"
        "            UNION ALL SELECT 'ARRAY[' || p.literal || ']::' || c.type, 1 FROM plain p, c WHERE p.type || '[]' "
        "= c.type),"
        "  all_of AS ("
        "    SELECT 'DEFAULT' AS literal, CASE WHEN c.type IN ('boolean', 'xid8') OR EXISTS (SELECT FROM checks)"
        "                                      THEN 0 ELSE 4 END AS place FROM c WHERE atthasdef"
        "    UNION ALL SELECT literal, place FROM typed"
        "    UNION ALL SELECT word, 2 FROM words, c WHERE c.type = 'text'"
        "    UNION ALL SELECT 'ARRAY[' || word || ']', 2 FROM words, c WHERE c.type = 'text[]'"
        "    UNION ALL SELECT digits, 2 FROM numbers, c WHERE c.type IN ('smallint', 'integer', 'bigint', 'double "
        "precision')"
        "    UNION ALL SELECT 'decode(repeat(''ca'', ' || digits || '), ''hex'')', 2 FROM numbers, c WHERE c.type = "
        "'bytea'"
        "    UNION ALL SELECT '''[]''', 3 FROM c WHERE c.type = 'jsonb'"
        "    UNION ALL SELECT 'false', 3 FROM c WHERE c.type = 'boolean'"
        /* A date that may be missing says that something is over. */
        "    UNION ALL SELECT 'NULL', CASE WHEN c.type = 'timestamp with time zone' THEN 0 ELSE 5 END FROM c"
        "              WHERE NOT attnotnull)"
        "  SELECT array_agg(literal ORDER BY place, literal) FROM all_of $$";

/* Tries until the checks are content: whatever a violated one speaks of is chosen anew. */
static const char fill[] =
        "CREATE FUNCTION pg_temp.fill(filled regclass, tenant uuid) RETURNS text LANGUAGE plpgsql AS $$ "
        "DECLARE"
        "  column_ record; chosen text[] := '{}'; offered jsonb := '{}'; names text[] := '{}'; numbers smallint[] := "
        "'{}';"
        "  broken text; broken_column text; why text; keys smallint[]; state text; "
        "BEGIN"
        "  FOR column_ IN SELECT attname, attnum FROM pg_attribute WHERE attrelid = filled AND attnum > 0 AND NOT "
        "attisdropped"
        "                 AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum LOOP"
        "    names := names || column_.attname::text;"
        "    numbers := numbers || column_.attnum;"
        "    offered := offered || jsonb_build_object(column_.attname, pg_temp.candidates(filled, column_.attnum, "
        "tenant));"
        "    IF offered->>column_.attname IS NULL THEN RETURN filled || '.' || column_.attname || ': no value of its "
        "type'; END IF;"
        "    chosen := chosen || (offered->column_.attname->>0);"
        "  END LOOP;"
        "  FOR attempt IN 1..2000 LOOP"
        "    BEGIN"
        "      EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', filled,"
        "                     (SELECT string_agg(quote_ident(n), ', ' ORDER BY o) FROM unnest(names) WITH ORDINALITY "
        "u(n, o)),"
        "                     array_to_string(chosen, ', '));"
        "      RETURN NULL;"
        "    EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN"
        "      GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME, broken_column = COLUMN_NAME, why = MESSAGE_TEXT,"
        "                              state = RETURNED_SQLSTATE;"
        "    END;"
        "    SELECT conkey INTO keys FROM pg_constraint WHERE conrelid = filled AND conname = broken;"
        "    FOR i IN 1..cardinality(names) LOOP"
        "      IF numbers[i] = ANY (keys) OR names[i] = broken_column OR (keys IS NULL AND broken_column = '') THEN"
        "        chosen[i] := offered->names[i]->>(floor(random() * jsonb_array_length(offered->names[i])))::integer;"
        "      END IF;"
        "    END LOOP;"
        "  END LOOP;"
        "  RETURN filled || ': ' || why;"
        "END $$";

/* Owners are bound by row security too, so it is loosened for the moment. */
static const char fill_all[] =
        "CREATE FUNCTION pg_temp.fill_all(of_tenants boolean, tenant uuid) RETURNS text LANGUAGE plpgsql AS $$ "
        "DECLARE each_table record; failed text := ''; "
        "BEGIN"
        "  PERFORM set_config('aiox.tenant', tenant::text, true);"
        "  FOR each_table IN SELECT c.oid::regclass AS name, relforcerowsecurity AS forced FROM pg_class c"
        "    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        "      AND relname <> 'migrations' AND relrowsecurity = of_tenants ORDER BY relname LOOP"
        "    IF each_table.forced THEN EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', each_table.name); "
        "END IF;"
        "    failed := failed || coalesce(pg_temp.fill(each_table.name, tenant) || '; ', '');"
        "    IF each_table.forced THEN EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', each_table.name); END "
        "IF;"
        "  END LOOP;"
        "  RETURN failed;"
        "END $$";

static const char drop_foreign_keys[] =
        "DO $$ DECLARE k record; BEGIN FOR k IN SELECT conrelid::regclass AS name, conname FROM pg_constraint "
        "WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace "
        "LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.name, k.conname); END LOOP; END $$";

const char *isolation_tenant(void) {
        static char id[37];
        if (id[0] == '\0') {
                char *asked = memory_string(
                        place_ask("SELECT overlay(lowest_id(current_date) placing 'a0' from 35 for 2)"));
                snprintf(id, sizeof(id), "%s", asked);
                free(asked);
        }
        return id;
}

void isolation_prepare(void) {
        place_execute(drop_foreign_keys);
        place_execute(candidates);
        place_execute(fill);
        place_execute(fill_all);
}

const char *isolation_fill(bool of_tenants) {
        char sql[200];
        snprintf(sql, sizeof(sql), "SELECT pg_temp.fill_all(%s, '%s')", of_tenants ? "true" : "false", FILLED_TENANT);
        return place_ask(sql);
}
