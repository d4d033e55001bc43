#include "schema/schema.h"
#include "tests/integration/store/place.h"

#include "tests/unit/unit.h"

START_TEST(empty_database_becomes_ours) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_empty();
        ck_assert(!schema_check(database, true, &failure));
        ck_assert_ptr_nonnull(strstr(failure.text, "aiox migrate"));
        ck_assert_done(schema_migrate(database, 0, NULL, NULL, &failure), failure);
        ck_assert_done(schema_check(database, true, &failure), failure);
        ck_assert_uint_eq(strtoul(place_ask("SELECT count(*) FROM migrations"), NULL, 10), migration_count);
}
END_TEST

static void count_applied(void *listener, const char *sentence) {
        *(int *) listener += strncmp(sentence, "applied ", 8) == 0;
}

START_TEST(second_migrate_changes_nothing) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        int applied = 0;
        place_fresh(database);
        ck_assert_done(schema_migrate(database, 0, count_applied, &applied, &failure), failure);
        ck_assert_int_eq(applied, 0);
}
END_TEST

START_TEST(schema_before_the_last_migration_is_upgraded) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        int applied = 0;
        place_empty();
        ck_assert_done(schema_migrate(database, migrations[migration_count - 2].number, NULL, NULL, &failure), failure);
        ck_assert(!schema_check(database, true, &failure));
        ck_assert_done(schema_migrate(database, 0, count_applied, &applied, &failure), failure);
        ck_assert_int_eq(applied, 1);
        ck_assert_done(schema_check(database, true, &failure), failure);
}
END_TEST

START_TEST(foreign_database_is_left_alone) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_empty();
        place_execute("CREATE TABLE somebody_elses (id integer)");
        ck_assert(!schema_migrate(database, 0, NULL, NULL, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
        ck_assert_ptr_nonnull(strstr(failure.text, "somebody_elses"));
        ck_assert_str_eq(place_ask("SELECT to_regclass('migrations') IS NULL"), "t");
        place_execute("DROP TABLE somebody_elses");
}
END_TEST

START_TEST(altered_migration_is_refused) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_fresh(database);
        place_execute("UPDATE migrations SET checksum = sha256('other') WHERE number = 2");
        ck_assert(!schema_migrate(database, 0, NULL, NULL, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
        ck_assert(!schema_check(database, true, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
}
END_TEST

START_TEST(newer_schema_runs_the_program_before_it_and_no_older) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        char sql[200];
        int newest = migrations[migration_count - 1].number;
        place_fresh(database);
        snprintf(sql, sizeof(sql), "INSERT INTO migrations VALUES (%d, %d, 'later', '', 'later')", newest + 1, newest);
        place_execute(sql);
        ck_assert_done(schema_check(database, true, &failure), failure);
        snprintf(sql, sizeof(sql), "INSERT INTO migrations VALUES (%d, %d, 'later', '', 'later')", newest + 2,
                 newest + 1);
        place_execute(sql);
        ck_assert(!schema_check(database, true, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
}
END_TEST

START_TEST(failing_migration_leaves_nothing_behind) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_empty();
        ck_assert_done(schema_migrate(database, 1, NULL, NULL, &failure), failure);
        place_execute("CREATE TABLE agent_versions ()");
        ck_assert(!schema_migrate(database, 0, NULL, NULL, &failure));
        ck_assert_str_eq(place_ask("SELECT to_regclass('agents') IS NULL"), "t");
        ck_assert_str_eq(place_ask("SELECT count(*) FROM migrations"), "1");
}
END_TEST

START_TEST(unsafe_server_is_refused_unless_allowed) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_fresh(database);
        place_execute("ALTER DATABASE aiox SET synchronous_commit = off");
        ck_assert(!schema_check(database, false, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_POLICY);
        ck_assert_ptr_nonnull(strstr(failure.text, "synchronous_commit"));
        _cleanup_(database_freep) Database *again = place_database();
        ck_assert_done(schema_check(again, true, &failure), failure);
        place_execute("ALTER DATABASE aiox RESET synchronous_commit");
}
END_TEST

START_TEST(every_query_is_prepared_under_its_roles) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_fresh(database);
        for (int role = 0; role < DATABASE_ROLE_COUNT; role++) {
                _cleanup_(connection_closep) Connection *connection = NULL;
                ck_assert_done(database_connect(database, role, &connection, &failure), failure);
                for (int query = 0; query < QUERY_COUNT; query++) {
                        Text rest = text_of(query_texts[query].roles), name;
                        while (text_split(&rest, ' ', &name))
                                if (text_equal(name, text_of(database_role_name(role) + strlen("aiox_"))))
                                        ck_assert_done(connection_prepare(connection, query, &failure), failure);
                }
        }
}
END_TEST

/* Rows of the answer are what breaks the rule. */
static const struct {
        const char *rule, *sql;
} walk[] = {
        { "a table with tenant_id has row security, which binds its owner too",
          "SELECT string_agg(c.relname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
          "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' "
          "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)" },
        { "a table with tenant_id has the policy of the transaction's tenant",
          "SELECT string_agg(c.relname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
          "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' "
          "AND NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.relname AND p.policyname = 'own_tenant' "
          "AND p.qual LIKE '%tenant_id = current_tenant()%' AND p.with_check LIKE '%tenant_id = current_tenant()%')" },
        { "aiox_tenant sees rows by the policies known here alone",
          "SELECT string_agg(tablename || '.' || policyname, ', ') FROM pg_policies WHERE schemaname = 'public' "
          "AND ('public' = ANY (roles) OR 'aiox_tenant' = ANY (roles)) AND policyname NOT IN ('own_tenant', "
          "'own_members', 'installation')" },
        { "every view asks as whoever uses it",
          "SELECT string_agg(relname, ', ') FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = "
          "'v' "
          "AND NOT coalesce(reloptions @> '{security_invoker=true}', false) "
          "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')" },
        { "no role of the program owns anything, passes row security or administers",
          "SELECT string_agg(rolname, ', ') FROM pg_roles r WHERE rolname LIKE 'aiox\\_%' AND rolname <> current_user "
          "AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication "
          "OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) OR EXISTS (SELECT FROM pg_proc WHERE proowner = "
          "r.oid) "
          "OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))" },
        { "no function runs with its owner's rights",
          "SELECT string_agg(proname, ', ') FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prosecdef "
          "AND proowner = current_user::regrole" },
        { "everybody may run the functions named here alone",
          "SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p "
          "WHERE pronamespace = 'public'::regnamespace AND proname NOT IN ('current_tenant') "
          "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') "
          "AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) g WHERE g.grantee = 0))" },
        { "everybody has no table, and nobody but the owner makes anything in the schema",
          "SELECT string_agg(c.relname, ', ') FROM pg_class c, aclexplode(c.relacl) g "
          "WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = 0 "
          "UNION ALL SELECT string_agg(rolname, ', ') FROM pg_roles "
          "WHERE rolname LIKE 'aiox\\_%' AND rolname <> current_user "
          "AND has_schema_privilege(oid, 'public', 'CREATE') ORDER BY 1 LIMIT 1" },
        { "all rows of a table are seen by the roles of the hub alone, which read no body",
          "SELECT string_agg(tablename || '.' || policyname, ', ') FROM pg_policies WHERE schemaname = 'public' "
          "AND (qual = 'true' OR with_check = 'true') "
          "AND NOT roles <@ '{aiox_journal,aiox_directory}' "
          "AND NOT (roles <@ '{aiox_platform}' AND tablename IN ('tenants', 'accounts'))" },
        { "the directory reads no sealed column save the wrapped keys",
          "SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c "
          "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
          "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'bytea'::regtype "
          "AND (has_column_privilege('aiox_directory', c.oid, a.attnum, 'SELECT') "
          "     OR has_column_privilege('aiox_platform', c.oid, a.attnum, 'SELECT')) "
          "AND (c.relname, a.attname) NOT IN (('tenant_keys', 'master_id'), ('tenant_keys', 'wrapped'), ('keys', "
          "'hash'), "
          "('invites', 'hash'), ('agent_versions', 'policy_hash'), ('policies', 'policy_hash'), ('migrations', "
          "'checksum'), ('master_key', 'id'))" },
        { "every unique key of a tenant's table begins with tenant_id, save ids that lead the journal",
          "SELECT string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
          "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
          "WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND i.indkey[0] <> a.attnum "
          "AND c.relname !~ '^(accepted|steps|concluded|cancelled)(_[0-9]+)?$'" },
        { "the journal has no foreign keys",
          "SELECT string_agg(conname, ', ') FROM pg_constraint WHERE contype = 'f' "
          "AND conrelid::regclass::text ~ '^(accepted|steps|concluded|cancelled|idempotency|audit)'" },
        { "no part is granted to anybody",
          "SELECT string_agg(relname, ', ') FROM pg_class c, aclexplode(c.relacl) g WHERE c.relispartition "
          "AND c.relkind = 'r' AND g.grantee <> c.relowner" },
        { "the journal's role reads no body",
          "SELECT has_column_privilege('aiox_journal', 'accepted', 'body', 'SELECT') "
          "OR has_column_privilege('aiox_platform', 'accepted', 'body', 'SELECT') "
          "OR has_column_privilege('aiox_directory', 'accepted', 'body', 'SELECT')" },
        { "nobody updates or deletes a version or the audit",
          "SELECT string_agg(grantee || ' ' || privilege_type || ' ' || table_name, ', ') "
          "FROM information_schema.role_table_grants WHERE table_name IN ('agent_versions', 'audit') "
          "AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') AND grantee <> current_user" },
};

START_TEST(catalogue_keeps_every_rule) {
        _cleanup_(database_freep) Database *database = place_database();
        place_fresh(database);
        place_execute("SELECT make_parts(current_date + 31, current_date + 32)");
        for (size_t i = 0; i < COUNT_OF(walk); i++) {
                const char *breaks = place_ask(walk[i].sql);
                ck_assert_msg(breaks[0] == '\0' || strcmp(breaks, "f") == 0, "%s, but not: %s", walk[i].rule, breaks);
        }
}
END_TEST

START_TEST(execution_reasons_are_named_as_failures_are) {
        _cleanup_(database_freep) Database *database = place_database();
        place_fresh(database);
        const char *view = memory_string(place_ask("SELECT pg_get_viewdef('executions')"));
        const char *at = strstr(view, "'invalid'");
        for (int kind = FAILURE_INVALID; kind < FAILURE_KIND_COUNT; kind++) {
                char quoted[40];
                snprintf(quoted, sizeof(quoted), "'%s'", failure_form(kind)->name);
                at = at ? strstr(at, quoted) : NULL;
                ck_assert_msg(at, "%s is not in its place", quoted);
        }
        free((char *) view);
}
END_TEST

START_TEST(parts_are_made_ahead_and_taken_away) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_fresh(database);
        ck_assert_str_eq(place_ask("SELECT count(*) FROM parts"), "160");
        place_execute("SELECT make_parts(current_date - 12, current_date - 10)");
        ck_assert_done(
                schema_keep(database, &(KeepSettings){ .days_ahead = 40, .journal_days = 5 }, NULL, NULL, &failure),
                failure);
        ck_assert_str_eq(place_ask("SELECT count(*) FROM parts"), "210");
        ck_assert_str_eq(place_ask("SELECT min(day) = current_date - 1 FROM parts"), "t");
        ck_assert_str_eq(place_ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'accepted\\_%' AND relkind = 'r'"),
                         "42");
}
END_TEST

UNIT_TESTS("store/schema", empty_database_becomes_ours, second_migrate_changes_nothing,
           schema_before_the_last_migration_is_upgraded, foreign_database_is_left_alone, altered_migration_is_refused,
           newer_schema_runs_the_program_before_it_and_no_older, failing_migration_leaves_nothing_behind,
           unsafe_server_is_refused_unless_allowed, every_query_is_prepared_under_its_roles, catalogue_keeps_every_rule,
           execution_reasons_are_named_as_failures_are, parts_are_made_ahead_and_taken_away)
