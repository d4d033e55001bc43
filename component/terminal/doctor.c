#include "component/terminal/doctor.h"

#include "base/crypto.h"
#include "base/json.h"
#include "component/settings/plaintext.h"
#include "component/shown/screen.h"
#include "component/terminal/subcommand.h"
#include "orchestrator/http/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

const Option doctor_options[] = {
        { "json", NULL, "Print the findings as JSON." },
        { NULL },
};

_printf_(2, 0) static void write_text(char text[static FAILURE_TEXT_LIMIT], const char *format, va_list arguments) {
        vsnprintf(text, FAILURE_TEXT_LIMIT, format, arguments);
}

void finding_good(Finding *finding, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        write_text(finding->text, format, arguments);
        va_end(arguments);
        finding->state = FINDING_GOOD;
}

void finding_skipped(Finding *finding, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        write_text(finding->text, format, arguments);
        va_end(arguments);
        finding->state = FINDING_SKIPPED;
}

void finding_bad(Finding *finding, const char *fix, FailureKind kind, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        write_text(finding->text, format, arguments);
        va_end(arguments);
        finding->state = FINDING_BAD;
        finding->exit_code = failure_form(kind)->exit_code;
        snprintf(finding->fix, sizeof(finding->fix), "%s", fix);
}

void finding_failed(Finding *finding, const Failure *failure, const char *fix) {
        finding_bad(finding, fix, failure->kind, "%s", failure->text);
}

static void check_settings(Doctor *doctor, Finding *finding) {
        finding_good(finding, "hub '%s' serves %s", doctor->settings->hub_name, doctor->settings->domains[0]);
}

static void check_plaintext(Doctor *doctor, Finding *finding) {
        PlaintextHop hops[PLAINTEXT_HOPS];
        Failure failure;
        if (!plaintext_check(doctor->settings, &failure)) {
                finding_failed(finding, &failure, "Move that hop to a Unix socket, loopback, TLS or a tunnel.");
                return;
        }
        plaintext_hops(doctor->settings, hops);
        for (size_t i = 0; i < PLAINTEXT_HOPS; i++)
                if (hops[i].exposed) {
                        finding_good(finding, "%s is in clear text, as %s permits", hops[i].setting, hops[i].allowance);
                        return;
                }
        finding_good(finding, "nothing leaves this machine in clear text");
}

static const struct {
        const char *name;
        Check *run;
} checks[] = {
        { "settings", check_settings },     { "plain text", check_plaintext },  { "secrets", check_secrets },
        { "database", check_database },     { "pgvector", check_extension },    { "schema", check_schema },
        { "partitions", check_partitions }, { "master key", check_master_key }, { "audit key", check_audit_key },
        { "clock", check_clock },           { "redis", check_redis },           { "budgets", check_budgets },
        { "component", check_component },
};

static bool hub_runs(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(close_fdp) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor < 0 || strlen(path) >= sizeof(address.sun_path))
                return false;
        memcpy(address.sun_path, path, strlen(path) + 1);
        return connect(descriptor, (struct sockaddr *) &address, sizeof(address)) == 0;
}

static Json *finding_json(const char *name, const Finding *finding) {
        static const char *const states[] = { "good", "bad", "skipped" };
        Json *item = json_new_object();
        json_put_string(item, "check", name);
        json_put_string(item, "state", states[finding->state]);
        json_put_string(item, "finding", finding->text);
        json_put_string(item, "fix", finding->state == FINDING_BAD ? finding->fix : NULL);
        return item;
}

static void print_finding(const Screen *screen, const char *name, const Finding *finding) {
        static const char *const marks[] = { "ok", "FAILED", "skipped" }, *const colours[] = { "32", "31", "33" };
        fprintf(screen->out, "%s%s%s%-8s%s %-11s %s\n", screen->colours ? "\033[" : "",
                screen->colours ? colours[finding->state] : "", screen->colours ? "m" : "", marks[finding->state],
                screen->colours ? "\033[0m" : "", name, finding->text);
        if (finding->state == FINDING_BAD)
                fprintf(screen->out, "%-20s → %s\n", "", finding->fix);
        fflush(screen->out);
}

/* Returns the exit code of the first that failed. */
static int run_checks(Doctor *doctor, Json *list) {
        Screen screen = screen_of(stdout);
        int exit_code = 0;
        for (size_t i = 0; i < COUNT_OF(checks); i++) {
                Finding finding = { 0 };
                checks[i].run(doctor, &finding);
                exit_code = exit_code ? exit_code : finding.exit_code;
                if (list)
                        json_append(list, finding_json(checks[i].name, &finding));
                else
                        print_finding(&screen, checks[i].name, &finding);
        }
        if (list)
                screen_json(&screen, list);
        return exit_code;
}

int doctor_main(const Settings *settings, const Arguments *arguments) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        const DatabaseSettings database_settings = { .conninfo = settings->database,
                                                     .application = "aiox doctor",
                                                     .connections = 1,
                                                     .patience_us = 5 * SECONDS };
        _cleanup_(database_freep) Database *database = database_new(&database_settings);
        _cleanup_(json_freep) Json *list = command_value(doctor_options, arguments, "json") ? json_new_array() : NULL;
        Doctor doctor = {
                .settings = settings, .database = database, .hub_runs = hub_runs(settings->api_socket), .arena = arena
        };
        Failure failure;
        if (!crypto_start(&failure) || !http_start(&(HttpSettings){ 0 }, &failure))
                return command_fail(&failure);
        int exit_code = run_checks(&doctor, list);
        http_stop();
        return exit_code;
}
