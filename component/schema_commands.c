/* `aiox migrate` and `aiox keep`: the schema's owner at work. */
#include "component/audit_key.h"
#include "component/command.h"
#include "store/erase.h"
#include "store/retention.h"

#include <stdio.h>

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
        { "log-days", "DAYS", "How long tenants' logs and security events are kept; 90 when absent." },
        { "body-days", "DAYS",
          "Erase messages and answers that were concluded longer ago than this; their times and costs stay. Never when "
          "absent." },
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

int keep_main(const Settings *settings, const Arguments *arguments) {
        _cleanup_(database_freep) Database *database = open_database(settings);
        _cleanup_(crypto_keys_freep) Key *seed = NULL;
        Retention retention = { .hub = text_of(settings->hub_name) };
        KeepSettings keep;
        Failure failure;
        size_t erased;
        int body_days;
        if (!number_option(keep_options, arguments, "body-days", &body_days, &failure) ||
            !number_option(keep_options, arguments, "days", &keep.days_ahead, &failure) ||
            !number_option(keep_options, arguments, "journal-days", &keep.journal_days, &failure) ||
            !number_option(keep_options, arguments, "audit-days", &retention.audit_days, &failure) ||
            !number_option(keep_options, arguments, "log-days", &retention.log_days, &failure) ||
            !schema_keep(database, &keep, print_progress, NULL, &failure) ||
            (retention.audit_days > 0 && !audit_key_open(settings, true, &seed, &failure)))
                return command_fail(&failure);
        if (body_days > 0) {
                if (!erase_old_messages(database, body_days, &erased, &failure))
                        return command_fail(&failure);
                printf("erased %zu messages\n", erased);
        }
        retention.seed = seed;
        if (!retention_keep(database, &retention, print_progress, NULL, &failure))
                return command_fail(&failure);
        return 0;
}
