#include "base/clock.h"
#include "component/audit_key.h"
#include "component/terminal/doctor.h"
#include "store/cache/server.h"
#include "store/keyring.h"
#include "store/keyring_rotate.h"
#include "store/migrate.h"

#include <sys/timex.h>

#define OLDEST_POSTGRES 150000
#define CLOCK_TOLERANCE (2 * SECONDS)
#define REDIS_PATIENCE  (3 * SECONDS)

void check_secrets(Doctor *doctor, Finding *finding) {
        Failure failure;
        Text secret;
        for (size_t i = 0; i < settings_count; i++) {
                const Setting *setting = &settings_table[i];
                bool needed = strcmp(setting->name, "component_secret_file") == 0;
                if (setting->type != SETTING_SECRET_FILE ||
                    settings_secret(doctor->settings, setting->name, doctor->arena, &secret, &failure) ||
                    (failure.kind == FAILURE_NOT_FOUND && !needed))
                        continue;
                finding_failed(finding, &failure, "Write the secret into a file that only the hub's user may read.");
                return;
        }
        finding_good(finding, "every secret that is named can be read");
}

/* Skips what cannot be asked while the database is away. */
static bool needs_database(const Doctor *doctor, Finding *finding) {
        if (!doctor->database_answers)
                finding_skipped(finding, "the database does not answer");
        return doctor->database_answers;
}

static bool ask(Doctor *doctor, Query query, Transaction **ret_transaction, const Rows **ret_rows,
                Failure *reterr_failure) {
        return transaction_begin(doctor->database, DATABASE_PLATFORM, (Uuid){ 0 }, ret_transaction, reterr_failure) &&
               transaction_run(*ret_transaction, query, NO_VALUES, ret_rows, reterr_failure);
}

/* Nor is a database without tables asked what is in them: `aiox migrate` is what it needs. */
static bool needs_tables(const Doctor *doctor, Finding *finding) {
        if (doctor->database_is_empty)
                finding_skipped(finding, "the database is empty");
        return !doctor->database_is_empty && needs_database(doctor, finding);
}

void check_database(Doctor *doctor, Finding *finding) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Failure failure;
        if (!ask(doctor, QUERY_DOCTOR_FACTS, &transaction, &rows, &failure)) {
                finding_failed(finding, &failure,
                               "Check the setting database, that PostgreSQL runs, the role's password in the passfile, "
                               "and that pg_hba.conf lets it in by password.");
                return;
        }
        int64_t version = rows_integer(rows, 0, 0);
        doctor->database_answers = true;
        if (version < OLDEST_POSTGRES)
                finding_bad(finding, "Upgrade PostgreSQL to 15 or newer.", FAILURE_UNSUPPORTED,
                            "PostgreSQL is %lld.%lld", (long long) version / 10000, (long long) version % 10000);
        else
                finding_good(finding, "PostgreSQL %lld.%lld answers", (long long) version / 10000,
                             (long long) version % 10000);
}

void check_extension(Doctor *doctor, Finding *finding) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Failure failure;
        if (!needs_database(doctor, finding))
                return;
        if (!ask(doctor, QUERY_DOCTOR_FACTS, &transaction, &rows, &failure))
                finding_failed(finding, &failure, "Try again.");
        else if (rows_is_null(rows, 0, 1))
                finding_bad(finding, "As a superuser: CREATE EXTENSION vector (install pgvector first).",
                            FAILURE_NOT_FOUND, "the database has no extension 'vector'");
        else
                finding_good(finding, "pgvector %.*s", TEXT_ARGUMENTS(rows_text(rows, 0, 1)));
}

static bool is_empty(Doctor *doctor) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Failure unknown;
        return ask(doctor, QUERY_MIGRATION_EXISTS, &transaction, &rows, &unknown) && !rows_boolean(rows, 0, 0);
}

void check_schema(Doctor *doctor, Finding *finding) {
        Failure failure;
        if (!needs_database(doctor, finding))
                return;
        doctor->database_is_empty = is_empty(doctor);
        if (schema_check(doctor->database, doctor->settings->unsafe, &failure))
                finding_good(finding, "the schema is the one this program was made for, and commits are durable");
        else
                finding_failed(finding, &failure, "Run `aiox migrate`; the sentence above says more.");
}

void check_partitions(Doctor *doctor, Finding *finding) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Failure failure;
        if (!needs_tables(doctor, finding))
                return;
        if (!ask(doctor, QUERY_KEEP_AHEAD, &transaction, &rows, &failure)) {
                finding_failed(finding, &failure, "Run `aiox migrate`.");
                return;
        }
        int64_t days = rows_integer(rows, 0, 0);
        if (days < 7)
                finding_bad(finding, "Run `aiox keep` now, and daily by a timer.", FAILURE_UNAVAILABLE,
                            "the journal has parts for %lld days ahead only", (long long) days);
        else
                finding_good(finding, "the journal has parts for %lld days ahead", (long long) days);
}

void check_master_key(Doctor *doctor, Finding *finding) {
        _cleanup_(keyring_freep) Keyring *keyring = NULL;
        Failure failure;
        if (!needs_tables(doctor, finding))
                return;
        size_t pending;
        if (keyring_open(doctor->database, doctor->settings->master_key_file, &keyring, &failure) &&
            keyring_rotation_pending(doctor->database, &pending, &failure)) {
                if (pending > 0)
                        finding_bad(finding, "Run `aiox key rotate FILE` again, with the file of the new one.",
                                    FAILURE_CONFLICT, "its change was broken off: the old one still wraps %zu keys",
                                    pending);
                else
                        finding_good(finding, "it opens every tenant's key");
        } else
                finding_failed(finding, &failure,
                               "Put the master key that this database was set up with where master_key_file says.");
}

void check_audit_key(Doctor *doctor, Finding *finding) {
        _cleanup_(crypto_keys_freep) Key *seed = NULL;
        Failure failure;
        if (audit_key_open(doctor->settings, false, &seed, &failure))
                finding_good(finding, "this hub signs as %.*s", TEXT_ARGUMENTS(audit_key_name(seed, doctor->arena)));
        else if (failure.kind == FAILURE_NOT_FOUND)
                finding_skipped(finding, "the hub makes it at its first start");
        else
                finding_failed(finding, &failure, "Put it right in the file, or remove that to have a new one made.");
}

/* Ids carry the time, and parts are cut by it, so hub and database must agree. */
void check_clock(Doctor *doctor, Finding *finding) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Failure failure;
        struct timex state = { 0 };
        bool synchronised = adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
        const char *doubt = synchronised ? "" : "; no time service is known to keep it";
        if (!needs_database(doctor, finding))
                return;
        int64_t before_us = clock_now().wall_us;
        if (!ask(doctor, QUERY_DOCTOR_FACTS, &transaction, &rows, &failure)) {
                finding_failed(finding, &failure, "Try again.");
                return;
        }
        int64_t after_us = clock_now().wall_us, theirs_us = rows_time(rows, 0, 2);
        int64_t apart_us = theirs_us < before_us  ? before_us - theirs_us
                           : theirs_us > after_us ? theirs_us - after_us
                                                  : 0;
        if (apart_us > CLOCK_TOLERANCE)
                finding_bad(finding, "Run a time service (chrony or systemd-timesyncd) on both machines.",
                            FAILURE_POLICY, "this clock and the database's are %lld ms apart",
                            (long long) (apart_us / MILLISECONDS));
        else
                finding_good(finding, "this clock and the database's agree%s", doubt);
}

void check_redis(Doctor *doctor, Finding *finding) {
        const char *password = NULL;
        Failure failure;
        Text secret;
        if (settings_secret(doctor->settings, "redis_secret_file", doctor->arena, &secret, &failure))
                password = text_string(doctor->arena, secret);
        if (cache_server_answers(doctor->settings->redis, password, REDIS_PATIENCE, &failure))
                finding_good(finding, "it answers");
        else
                finding_failed(finding, &failure, "Check redis and redis_secret_file, and that Redis or Valkey runs.");
}
