#include "component/settings/settings.h"
#include "component/settings/settings_file.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char *no_environment[] = { NULL };
static const char *const no_options[] = { NULL };

static void write_file(const char *path, const char *content, mode_t mode) {
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(content, file);
        fclose(file);
        chmod(path, mode);
}

static const char *file_with(const char *content) {
        static char path[64];
        snprintf(path, sizeof(path), "/tmp/aiox-settings.%d.yaml", (int) getpid());
        write_file(path, content, 0600);
        return path;
}

static Settings *load(const char *file, char *const *environment, const char *const *options) {
        Settings *settings = NULL;
        Failure failure = { 0 };
        ck_assert_done(settings_load(file, environment, options, &settings, &failure), failure);
        return settings;
}

static const char *refusal(const char *file, char *const *environment, const char *const *options) {
        static Failure failure;
        Settings *settings = NULL;
        ck_assert(!settings_load(file, environment, options, &settings, &failure));
        ck_assert_ptr_null(settings);
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        return failure.text;
}

START_TEST(without_anything_the_defaults_hold) {
        Settings *settings = load(NULL, no_environment, no_options);
        ck_assert_str_eq(settings->hub_name, "main");
        ck_assert_str_eq(settings->domains[0], "agents.localhost");
        ck_assert_ptr_null(settings->domains[1]);
        ck_assert_int_eq(settings->lease_seconds, 10);
        ck_assert(!settings->unsafe);
        ck_assert_ptr_null(settings->openai_url);
        settings_free(settings);
}
END_TEST

START_TEST(options_win_over_environment_and_environment_over_file) {
        const char *file = file_with("workers: 3\nlease_seconds: 7\ndrain_seconds: 5\n");
        char lease[] = "AIOX_LEASE_SECONDS=8", drain[] = "AIOX_DRAIN_SECONDS=6", home[] = "HOME=/";
        char *environment[] = { lease, drain, home, NULL };
        const char *const options[] = { "--drain-seconds", "9", "--unsafe", NULL };
        Settings *settings = load(file, environment, options);
        ck_assert_int_eq(settings->workers, 3);
        ck_assert_int_eq(settings->lease_seconds, 8);
        ck_assert_int_eq(settings->drain_seconds, 9);
        ck_assert(settings->unsafe);
        settings_free(settings);
}
END_TEST

START_TEST(lists_are_written_in_every_way) {
        static const char *const files[] = { "domains: [a.example, b.example]\n",
                                             "domains:\n  - a.example\n  - b.example\n",
                                             "domains: a.example, b.example\n", "domains: a.example b.example\n" };
        for (size_t i = 0; i < COUNT_OF(files); i++) {
                Settings *settings = load(file_with(files[i]), no_environment, no_options);
                ck_assert_str_eq(settings->domains[0], "a.example");
                ck_assert_str_eq(settings->domains[1], "b.example");
                ck_assert_ptr_null(settings->domains[2]);
                settings_free(settings);
        }
}
END_TEST

START_TEST(platform_admins_are_people_by_their_normalised_address) {
        Settings *settings = load(file_with("platform_admins: [Ann@Home.Example, bob@home.example]\n"), no_environment,
                                  no_options);
        ck_assert(settings_name_admin(settings, TEXT("ann@home.example")));
        ck_assert(settings_name_admin(settings, TEXT("bob@home.example")));
        ck_assert(!settings_name_admin(settings, TEXT("bob@home.example.org")));
        ck_assert(!settings_name_admin(settings, TEXT("home.example")));
        ck_assert(!settings_name_admin(settings, TEXT_NONE));
        settings_free(settings);
        settings = load(file_with("workers: 3\n"), no_environment, no_options);
        ck_assert(!settings_name_admin(settings, TEXT("ann@home.example")));
        settings_free(settings);
}
END_TEST

START_TEST(wrong_files_are_refused_with_their_line) {
        static const struct {
                const char *file, *sentence;
        } cases[] = {
                { "workerz: 3\n", ":1: unknown setting 'workerz'; did you mean 'workers'?" },
                { "hub_name: a\nworkers: many\n",
                  ":2: setting 'workers' must be a whole number of threads from 1 to 1024" },
                { "workers: 0\n", "from 1 to 1024" },
                { "workers: 99999999999999999999\n", "from 1 to 1024" },
                { "workers: 3\nworkers: 4\n", ":2: this key stands here twice" },
                { "hub_name: {a: b}\n", ":1: expected a plain value" },
                { "hub_name: &x a\n", ":1: anchors and tags are not used here" },
                { "- a\n", "expected lines of 'name: value'" },
                { "hub_name: [", "did not find" },
                { "hub_name: a\n---\nhub_name: b\n", "expected one document only" },
                { "server: localhost\n", "HOST:PORT or unix:/PATH" },
                { "server: localhost:70000\n", "HOST:PORT or unix:/PATH" },
                { "redis: http://localhost:1/0\n", "redis://HOST:PORT/NUMBER or unix:/PATH" },
                { "redis: redis://user:secret@localhost:1/0\n", "redis://HOST:PORT/NUMBER or unix:/PATH" },
                { "database: host=/x password=secret\n", "without a password" },
                { "openai_url: ftp://x\n", "must be a URL" },
                { "log_level: loud\n", "must be debug|info|warning|error" },
                { "unsafe: maybe\n", "must be true or false" },
                { "domains: []\n", "a list with at least one name" },
                { "platform_admins: home.example\n", "a list of bare JIDs" },
                { "platform_admins: [ann@home.example/phone]\n", "a list of bare JIDs" },
                { "platform_admins: ['@home.example']\n", "a list of bare JIDs" },
                { "hub_name: \"a\\nb\"\n", "one line of text" },
                { "hub_name: \"a\\0b\"\n", "text without NUL" },
                { "hub_name: ''\n", "some text" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *said = refusal(file_with(cases[i].file), no_environment, no_options);
                ck_assert_msg(strstr(said, cases[i].sentence), "%s: %s", cases[i].file, said);
                ck_assert_msg(!strstr(said, "secret"), "%s is repeated: %s", cases[i].file, said);
        }
}
END_TEST

START_TEST(a_misspelt_variable_is_refused_and_a_foreign_one_is_not) {
        char domans[] = "AIOX_DOMANS=x", http[] = "AIOX_HTTP=1", socket_path[] = "AIOX_SOCKET=/x";
        char *misspelt[] = { domans, NULL }, *foreign[] = { http, socket_path, NULL };
        ck_assert_ptr_nonnull(strstr(refusal(NULL, misspelt, no_options), "did you mean 'AIOX_DOMAINS'"));
        settings_free(load(NULL, foreign, no_options));
}
END_TEST

START_TEST(the_environment_names_the_file) {
        char variable[128];
        snprintf(variable, sizeof(variable), "AIOX_CONFIG=%s", file_with("workers: 5\n"));
        Settings *settings = load(NULL, (char *[]){ variable, NULL }, no_options);
        ck_assert_int_eq(settings->workers, 5);
        settings_free(settings);
        ck_assert_ptr_nonnull(
                strstr(refusal("/nonexistent/aiox.yaml", no_environment, no_options), "/nonexistent/aiox.yaml"));
}
END_TEST

START_TEST(wrong_options_are_refused) {
        static const struct {
                const char *options[3], *sentence;
        } cases[] = {
                { { "--worker", "4" }, "unknown setting '--worker'; did you mean 'workers'?" },
                { { "--workers" }, "option --workers needs a value" },
                { { "--workers=" }, "from 1 to 1024" },
                { { "workers" }, "expected an option" },
                { { "--" }, "expected an option" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *said = refusal(NULL, no_environment, cases[i].options);
                ck_assert_msg(strstr(said, cases[i].sentence), "%s", said);
        }
}
END_TEST

START_TEST(secrets_come_from_files_that_only_their_owner_reads) {
        char path[64];
        Arena *arena = arena_new(0);
        Failure failure = { 0 };
        Text secret;
        snprintf(path, sizeof(path), "/tmp/aiox-secret.%d", (int) getpid());
        write_file(path, "s3cret\n\n", 0600);
        Settings *settings = load(NULL, no_environment, (const char *[]){ "--component-secret-file", path, NULL });
        unsetenv("AIOX_COMPONENT_SECRET");
        ck_assert_done(settings_secret(settings, "component_secret_file", arena, &secret, &failure), failure);
        ck_assert_text(secret, TEXT("s3cret"));

        chmod(path, 0644);
        ck_assert(!settings_secret(settings, "component_secret_file", arena, &secret, &failure));
        ck_assert_ptr_nonnull(strstr(failure.text, "chmod o="));
        write_file(path, "\n", 0600);
        chmod(path, 0600);
        ck_assert(!settings_secret(settings, "component_secret_file", arena, &secret, &failure));
        ck_assert_ptr_nonnull(strstr(failure.text, "is empty"));

        ck_assert(!settings_secret(settings, "openai_key_file", arena, &secret, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_NOT_FOUND);
        setenv("AIOX_OPENAI_KEY", "from-environment", 1);
        ck_assert_done(settings_secret(settings, "openai_key_file", arena, &secret, &failure), failure);
        ck_assert_text(secret, TEXT("from-environment"));
        unlink(path);
        settings_free(settings);
        arena_free(arena);
}
END_TEST

START_TEST(every_value_is_shown_as_it_would_be_written) {
        Arena *arena = arena_new(0);
        Failure failure = { 0 };
        Settings *settings = load(file_with("domains: [a.example, b.example]\nopenai_url: https://x/v1\n"),
                                  no_environment, no_options);
        for (size_t i = 0; i < settings_count; i++) {
                Text value = settings_value(settings, &settings_table[i], arena);
                if (value.length > 0)
                        ck_assert_done(settings_set(settings, text_of(settings_table[i].name), value, &failure),
                                       failure);
        }
        settings_free(settings);
        arena_free(arena);
}
END_TEST

START_TEST(the_reference_names_every_setting) {
        TextBuilder builder = text_builder(0);
        settings_reference(&builder);
        for (size_t i = 0; i < settings_count; i++) {
                char row[80];
                snprintf(row, sizeof(row), "\n| `%s` | ", settings_table[i].name);
                ck_assert_msg(strstr(builder.bytes, row), "%s", row);
        }
        text_builder_release(&builder);
}
END_TEST

static void note_change(void *builder, const Setting *setting, Text before, Text after) {
        text_add_format(builder, "%s %.*s>%.*s%s;", setting->name, TEXT_ARGUMENTS(before), TEXT_ARGUMENTS(after),
                        setting->reloadable ? "" : " later");
}

START_TEST(settings_read_again_take_effect_where_they_may) {
        const char *file = file_with(
                "workers: 3\nlog_level: info\nturn_seconds: 30\ncontact_addresses: [admin=mailto:a@b.c]\n");
        const char *const options[] = { "--lease-seconds", "9", NULL };
        _cleanup_(text_builder_release) TextBuilder changes = text_builder(0);
        Settings *before = load(file, no_environment, options), *after = NULL, merged;
        Failure failure = { 0 };

        file_with("workers: 5\nlog_level: debug\nlease_seconds: 20\nopenai_url: http://127.0.0.1:1/v1\n");
        ck_assert_done(settings_load_again(before, &after, &failure), failure);
        settings_merge(before, after, &merged);
        ck_assert_int_eq(merged.workers, 3);
        ck_assert_str_eq(merged.log_level, "debug");
        ck_assert_int_eq(merged.turn_seconds, 300);
        ck_assert_int_eq(merged.lease_seconds, 9); /* the option still wins */
        ck_assert_str_eq(merged.openai_url, "http://127.0.0.1:1/v1");
        ck_assert_ptr_null(merged.contact_addresses);
        settings_compare(before, after, note_change, &changes);
        ck_assert_text(text_built(&changes),
                       TEXT("workers 3>5 later;turn_seconds 30>300;openai_url >http://127.0.0.1:1/v1;"
                            "contact_addresses admin=mailto:a@b.c>;log_level info>debug;"));
        /* And once more, from what is in force now: only what waits is left. */
        text_builder_reset(&changes);
        settings_compare(&merged, after, note_change, &changes);
        ck_assert_text(text_built(&changes), TEXT("workers 3>5 later;"));
        settings_free(after);
        file_with("workers: many\n");
        ck_assert(!settings_load_again(before, &after, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        settings_free(before);
}
END_TEST

UNIT_TESTS("component/settings", without_anything_the_defaults_hold,
           options_win_over_environment_and_environment_over_file, lists_are_written_in_every_way,
           platform_admins_are_people_by_their_normalised_address, wrong_files_are_refused_with_their_line,
           a_misspelt_variable_is_refused_and_a_foreign_one_is_not, the_environment_names_the_file,
           wrong_options_are_refused, secrets_come_from_files_that_only_their_owner_reads,
           every_value_is_shown_as_it_would_be_written, the_reference_names_every_setting,
           settings_read_again_take_effect_where_they_may)
