/* `aiox migrate` and `aiox keep`: the schema's owner at work. */
#include "component/audit_key.h"
#include "component/reload.h"
#include "component/terminal/subcommand.h"
#include "orchestrator/governance/ages.h"
#include "store/erase.h"
#include "store/retention.h"

#include <stdio.h>

#define LOG_DAYS          90
#define ABANDONED_SECONDS 60 /* from when on an erasure counts as broken off; two at the same one do no harm */

const Option migrate_options[] = {
        { "last", "NUMBER", "Stop after this migration." },
        { NULL },
};

const Option keep_options[] = {
        { "days", "DAYS", "How many days of parts to keep ahead; 30 when absent." },
        { "journal-days", "DAYS",
          "Remove parts of the journal older than this, once nothing in them is open; never when "
          "absent." },
        { "audit-days", "DAYS",
          "Remove months of the audit that are over for longer than this, after the ends of their chains were signed; "
          "never when absent." },
        { "log-days", "DAYS", "Keep tenants' logs and security events no longer than this, whatever their plans say." },
        { "body-days", "DAYS",
          "Erase messages and answers that were concluded longer ago than this, whatever their tenants' plans say; "
          "their "
          "times and costs stay." },
        { NULL },
};

static void print_progress(void *listener, const char *sentence) {
        (void) listener;
        printf("%s\n", sentence);
        fflush(stdout);
}

static bool number_option(const Option *options, const Arguments *arguments, const char *name, int *ret_number,
                          Failure *reterr_failure) {
        const char *value = command_value(options, arguments, name);
        int64_t number = 0;
        if (value && (!text_to_int64(text_of(value), &number) || number < 1 || number > 36500))
                return failure_set(reterr_failure, FAILURE_INVALID, "--%s must be a whole number from 1 to 36500",
                                   name);
        *ret_number = (int) number;
        return true;
}

static Database *open_database(const Settings *settings) {
        const DatabaseSettings database = { .conninfo = settings->database,
                                            .owner_conninfo = settings->database_owner,
                                            .application = "aiox owner" };
        return database_new(&database);
}

int migrate_main(const Settings *settings, const Arguments *arguments) {
        _cleanup_(database_freep) Database *database = open_database(settings);
        Failure failure;
        int last;
        if (!number_option(migrate_options, arguments, "last", &last, &failure) ||
            !schema_migrate(database, last, print_progress, NULL, &failure))
                return command_fail(&failure);
        return 0;
}

static bool keep_erasures(Database *database, Failure *reterr_failure) {
        size_t count;
        if (!erase_left(database, ABANDONED_SECONDS, &count, reterr_failure))
                return false;
        if (count > 0)
                printf("finished %zu erasures that were broken off\n", count);
        return true;
}

/* What is older than its tenant keeps it, by plans and limits, and by the command's bounds. */
static bool keep_ages(Database *database, const Settings *settings, int body_days, int log_days,
                      Failure *reterr_failure) {
        _cleanup_(plans_freep) Plans *file = NULL;
        _cleanup_(ages_freep) Ages *bodies = NULL;
        _cleanup_(ages_freep) Ages *logs = NULL;
        size_t erased = 0;
        if (!plans_load(settings, &file, reterr_failure))
                return false;
        const Plans *plans = file ? file : plans_builtin();
        if (!ages_read(database, plans, LIMIT_BODY_DAYS, body_days, 0, &bodies, reterr_failure) ||
            !ages_read(database, plans, LIMIT_LOG_DAYS, log_days, LOG_DAYS, &logs, reterr_failure))
                return false;
        for (size_t i = 0; i < bodies->count; i++) {
                const AgeGroup *group = &bodies->groups[i];
                size_t count;
                if (!erase_old_messages(database, group->days, group->tenants, group->count, &count, reterr_failure))
                        return false;
                erased += count;
        }
        if (erased > 0 || body_days > 0)
                printf("erased %zu messages\n", erased);
        for (size_t i = 0; i < logs->count; i++)
                if (!retention_keep_logs(database, logs->groups[i].days, logs->groups[i].tenants, logs->groups[i].count,
                                         reterr_failure))
                        return false;
        return true;
}

int keep_main(const Settings *settings, const Arguments *arguments) {
        _cleanup_(database_freep) Database *database = open_database(settings);
        _cleanup_(crypto_keys_freep) Key *seed = NULL;
        Retention retention = { .hub = text_of(settings->hub_name) };
        int body_days, log_days;
        KeepSettings keep;
        Failure failure;
        if (!number_option(keep_options, arguments, "body-days", &body_days, &failure) ||
            !number_option(keep_options, arguments, "days", &keep.days_ahead, &failure) ||
            !number_option(keep_options, arguments, "journal-days", &keep.journal_days, &failure) ||
            !number_option(keep_options, arguments, "audit-days", &retention.audit_days, &failure) ||
            !number_option(keep_options, arguments, "log-days", &log_days, &failure) ||
            !schema_keep(database, &keep, print_progress, NULL, &failure) ||
            (retention.audit_days > 0 && !audit_key_open(settings, true, &seed, &failure)) ||
            !keep_erasures(database, &failure) || !keep_ages(database, settings, body_days, log_days, &failure))
                return command_fail(&failure);
        retention.seed = seed;
        if (!retention_keep(database, &retention, print_progress, NULL, &failure))
                return command_fail(&failure);
        return 0;
}
