#include "component/settings/plaintext.h"
#include "tests/unit/unit.h"

static const struct {
        const char *options[5];
        const char *refused; /* NULL: fine */
} cases[] = {
        { { NULL }, NULL },
        { { "--server", "unix:/run/x" }, NULL },
        { { "--server", "127.0.5.1:5347" }, NULL },
        { { "--server", "[::1]:5347" }, NULL },
        { { "--server", "localhost:5347" }, NULL },
        { { "--server", "xmpp.example.org:5347" }, "allow_plaintext_server" },
        { { "--server", "10.0.0.5:5347" }, "allow_plaintext_server" },
        { { "--server", "[2001:db8::1]:5347" }, "allow_plaintext_server" },
        { { "--server", "10.0.0.5:5347", "--allow-plaintext-server" }, NULL },
        { { "--database", "dbname=aiox" }, NULL },
        { { "--database", "host=/run/postgresql dbname=aiox" }, NULL },
        { { "--database", "host=127.0.0.1 dbname=aiox" }, NULL },
        { { "--database", "host=db.example.org dbname=aiox" }, "allow_plaintext_database" },
        { { "--database", "host=localhost,db.example.org dbname=aiox" }, "allow_plaintext_database" },
        { { "--database", "hostaddr=10.1.1.1 dbname=aiox" }, "allow_plaintext_database" },
        { { "--database", "host=db.example.org sslmode=require" }, "allow_plaintext_database" },
        { { "--database", "host=db.example.org sslmode=verify-full" }, NULL },
        { { "--database", "host=db.example.org", "--allow-plaintext-database=true" }, NULL },
        { { "--redis", "unix:/run/redis" }, NULL },
        { { "--redis", "redis://localhost:6379/0" }, NULL },
        { { "--redis", "redis://cache.example.org:6379/0" }, "allow_plaintext_redis" },
        { { "--openai-url", "http://127.0.0.1:8080/v1" }, NULL },
        { { "--openai-url", "https://api.example.org/v1" }, NULL },
        { { "--openai-url", "http://api.example.org/v1" }, "allow_plaintext_models" },
        { { "--openai-url", "http://localhost.example.org/v1" }, "allow_plaintext_models" },
};

START_TEST(hops_beyond_this_machine_need_encryption_or_leave) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Settings *settings;
                Failure failure = { 0 };
                ck_assert_done(settings_load(NULL, (char *[]){ NULL }, cases[i].options, &settings, &failure), failure);
                bool fine = plaintext_check(settings, &failure);
                ck_assert_msg(fine == !cases[i].refused, "%s %s", cases[i].options[0], cases[i].options[1]);
                if (!fine) {
                        ck_assert_int_eq(failure.kind, FAILURE_POLICY);
                        ck_assert_msg(strstr(failure.text, cases[i].refused), "%s", failure.text);
                }
                settings_free(settings);
        }
}
END_TEST

UNIT_TESTS("component/plaintext", hops_beyond_this_machine_need_encryption_or_leave)
