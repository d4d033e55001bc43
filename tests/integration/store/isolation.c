#include "tests/integration/store/isolation.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

/* Roles for which another tenant must not be there at all. The others read across tenants by design: what they may read
 * is bound by their columns, which store/schema walks. */
static const char *const bound_roles[] = { "tenant", "eraser", "platform" };

/* Queries of bound roles that may answer otherwise when another tenant is there, and why that tells nothing. */
static const struct {
        const char *name, *why;
} exceptions[] = {
        { "", "none" },
};

static bool is_excepted(int query) {
        for (size_t i = 0; i < COUNT_OF(exceptions); i++)
                if (strcmp(exceptions[i].name, query_texts[query].name) == 0)
                        return true;
        return false;
}

static bool has_role(int query, const char *role) {
        Text rest = text_of(query_texts[query].roles), name;
        while (text_split(&rest, ' ', &name))
                if (text_equal(name, text_of(role)))
                        return true;
        return false;
}

/* With everything in it that belongs to no tenant, and parts made later than the schema. */
static Database *prepared_place(void) {
        Database *database = place_database();
        place_clean(database);
        place_execute("SELECT make_parts(current_date + 31, current_date + 32)");
        isolation_prepare();
        ck_assert_str_eq(isolation_fill(false), "");
        return database;
}

/* What a role hears of each query, as another tenant and as none. */
typedef struct Hearing {
        QueryOutcome outcomes[2][QUERY_COUNT];
} Hearing;

static void listen(Hearing *hearing, const char *role) {
        PGconn *session = isolation_session(role);
        for (int query = 0; query < QUERY_COUNT; query++)
                if (has_role(query, role)) {
                        hearing->outcomes[0][query] = isolation_run(session, query, OTHER_TENANT);
                        hearing->outcomes[1][query] = isolation_run(session, query, NULL);
                }
        PQfinish(session);
}

static void forget(Hearing *hearing) {
        for (int as = 0; as < 2; as++)
                for (int query = 0; query < QUERY_COUNT; query++)
                        text_builder_release(&hearing->outcomes[as][query].text);
        *hearing = (Hearing){ 0 };
}

static bool differ(const QueryOutcome *one, const QueryOutcome *other) {
        return !text_equal(text_built(&one->text), text_built(&other->text));
}

/* Names of the queries that answer otherwise than before, or never ran. What changes by itself, like a clock, is not
 * compared. */
static void compare(const char *role, const Hearing *before, const Hearing *again, const Hearing *after,
                    TextBuilder *leaks) {
        for (int query = 0; query < QUERY_COUNT; query++) {
                if (!has_role(query, role))
                        continue;
                if (!after->outcomes[0][query].ran && !after->outcomes[1][query].ran)
                        text_add_format(leaks, "%s never ran: %s; ", query_texts[query].name,
                                        after->outcomes[0][query].error);
                for (int as = 0; as < 2; as++)
                        if (differ(&before->outcomes[as][query], &after->outcomes[as][query]) &&
                            !differ(&before->outcomes[as][query], &again->outcomes[as][query]) && !is_excepted(query))
                                text_add_format(leaks, "%s as %s: %.300s, then %.300s; ", query_texts[query].name,
                                                as == 0 ? "another tenant" : "none",
                                                before->outcomes[as][query].text.bytes,
                                                after->outcomes[as][query].text.bytes);
        }
}

/* `sabotage`, if any, is done when the rows are there. */
static TextBuilder walk(const char *sabotage) {
        static Hearing before[COUNT_OF(bound_roles)], again[COUNT_OF(bound_roles)], after;
        TextBuilder leaks = text_builder(0);
        text_add_string(&leaks, "leaks: ");
        for (size_t i = 0; i < COUNT_OF(bound_roles); i++) {
                listen(&before[i], bound_roles[i]);
                listen(&again[i], bound_roles[i]);
        }
        ck_assert_str_eq(isolation_fill(true), "");
        if (sabotage)
                place_execute(sabotage);
        for (size_t i = 0; i < COUNT_OF(bound_roles); i++) {
                listen(&after, bound_roles[i]);
                compare(bound_roles[i], &before[i], &again[i], &after, &leaks);
                forget(&before[i]);
                forget(&again[i]);
                forget(&after);
        }
        return leaks;
}

START_TEST(no_query_tells_a_tenant_or_nobody_of_another) {
        _cleanup_(database_freep) Database *database = prepared_place();
        _cleanup_(text_builder_release) TextBuilder leaks = walk(NULL);
        ck_assert_str_eq(leaks.bytes, "leaks: ");
}
END_TEST

START_TEST(table_that_lost_its_row_security_is_found_by_the_queries_that_read_it) {
        _cleanup_(database_freep) Database *database = prepared_place();
        _cleanup_(text_builder_release) TextBuilder leaks = walk("ALTER TABLE agents DISABLE ROW LEVEL SECURITY");
        place_execute("ALTER TABLE agents ENABLE ROW LEVEL SECURITY");
        ck_assert_msg(strstr(leaks.bytes, "agent_lock as another tenant"), "%s", leaks.bytes);
        ck_assert_ptr_nonnull(strstr(leaks.bytes, "agent_lock as none"));
        ck_assert_ptr_nonnull(strstr(leaks.bytes, "agent_change as"));
}
END_TEST

/* Or the walk would be content with queries that never find anything. */
START_TEST(most_queries_find_the_rows_when_the_tenant_itself_asks) {
        _cleanup_(database_freep) Database *database = prepared_place();
        _cleanup_(text_builder_release) TextBuilder idle = text_builder(0);
        int found = 0, all = 0;
        ck_assert_str_eq(isolation_fill(true), "");
        PGconn *session = isolation_session("tenant");
        for (int query = 0; query < QUERY_COUNT; query++)
                if (has_role(query, "tenant")) {
                        QueryOutcome outcome = isolation_run(session, query, FILLED_TENANT);
                        all++;
                        found += outcome.touched;
                        if (!outcome.touched)
                                text_add_format(&idle, " %s", query_texts[query].name);
                        text_builder_release(&outcome.text);
                }
        PQfinish(session);
        ck_assert_msg(found * 2 >= all, "%d of %d queries; not:%s", found, all, idle.bytes);
}
END_TEST

/* Those that read across tenants, and the owner's: that each can be run at all, in the role it names. */
START_TEST(every_query_runs_in_each_of_its_roles) {
        static const char *const roles[] = { "journal", "directory", "owner" };
        _cleanup_(database_freep) Database *database = prepared_place();
        _cleanup_(text_builder_release) TextBuilder stuck = text_builder(0);
        text_add_string(&stuck, "never ran:");
        ck_assert_str_eq(isolation_fill(true), "");
        for (size_t i = 0; i < COUNT_OF(roles); i++) {
                PGconn *session = isolation_session(roles[i]);
                for (int query = 0; query < QUERY_COUNT; query++)
                        if (has_role(query, roles[i])) {
                                QueryOutcome outcome = isolation_run(session, query, NULL);
                                if (!outcome.ran)
                                        text_add_format(&stuck, " %s: %s", query_texts[query].name, outcome.error);
                                text_builder_release(&outcome.text);
                        }
                PQfinish(session);
        }
        ck_assert_str_eq(stuck.bytes, "never ran:");
}
END_TEST

/* Whatever the grants let a role do to a table, a view or a part, it does to no row of another tenant. */
static void try_tables(const char *role, const char *tenant, TextBuilder *leaks) {
        static const char *const statements[] = {
                "SELECT format('SELECT FROM %s', c.oid::regclass)",
                "SELECT format('DELETE FROM %s', c.oid::regclass)",
                "SELECT format('UPDATE %s SET %I = %I', c.oid::regclass, a.attname, a.attname)",
        };
        PGconn *session = isolation_session(role);
        char sql[600];
        for (size_t i = 0; i < COUNT_OF(statements); i++) {
                snprintf(sql, sizeof(sql),
                         "%s FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname <> 'tenant_id' "
                         "AND a.attnum > 0 AND NOT a.attisdropped "
                         "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') "
                         "AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id') "
                         "%s ORDER BY 1",
                         statements[i], i < 2 ? "GROUP BY c.oid" : "");
                PGresult *list = PQexec(session, sql);
                ck_assert_msg(PQresultStatus(list) == PGRES_TUPLES_OK, "%s", PQresultErrorMessage(list));
                ck_assert_int_gt(PQntuples(list), 20);
                for (int row = 0; row < PQntuples(list); row++) {
                        snprintf(sql, sizeof(sql), "BEGIN; SELECT set_config('aiox.tenant', '%s', true)", tenant);
                        PQclear(PQexec(session, sql));
                        PGresult *result = PQexec(session, PQgetvalue(list, row, 0));
                        if (atol(PQcmdTuples(result)) > 0)
                                text_add_format(leaks, " %s as %s;", PQgetvalue(list, row, 0), role);
                        PQclear(result);
                        PQclear(PQexec(session, "ROLLBACK"));
                }
                PQclear(list);
        }
        PQfinish(session);
}

START_TEST(no_statement_at_all_reaches_another_tenants_rows) {
        _cleanup_(database_freep) Database *database = prepared_place();
        _cleanup_(text_builder_release) TextBuilder leaks = text_builder(0), own = text_builder(0);
        text_add_string(&leaks, "reached:");
        ck_assert_str_eq(isolation_fill(true), "");
        for (size_t i = 0; i < COUNT_OF(bound_roles); i++) {
                try_tables(bound_roles[i], OTHER_TENANT, &leaks);
                try_tables(bound_roles[i], "", &leaks);
        }
        ck_assert_str_eq(leaks.bytes, "reached:");
        try_tables("tenant", FILLED_TENANT, &own);
        ck_assert_ptr_nonnull(strstr(own.bytes, "UPDATE agents SET name = name as tenant"));
}
END_TEST

UNIT_TESTS("store/isolation", no_query_tells_a_tenant_or_nobody_of_another,
           table_that_lost_its_row_security_is_found_by_the_queries_that_read_it,
           most_queries_find_the_rows_when_the_tenant_itself_asks, every_query_runs_in_each_of_its_roles,
           no_statement_at_all_reaches_another_tenants_rows)
