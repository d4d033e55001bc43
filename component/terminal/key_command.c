/* `aiox key rotate`: another master key, while hubs run. */
#include "base/clock.h"
#include "component/terminal/subcommand.h"
#include "store/keyring.h"
#include "store/keyring_rotate.h"

#include <stdio.h>

/* Like an operation, which a hub chains into the installation's audit. */
static bool record(Database *database, const Settings *settings, const RotateReport *report, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        UuidGenerator generator = { 0 };
        Uuid id = uuid_make(&generator, clock_now().wall_us);
        char key[UUID_STRING_SIZE], facts[80];
        Hash digest = crypto_sha256((Text){ (const char *) id.bytes, sizeof(id.bytes) });
        uuid_format(id, key);
        snprintf(facts, sizeof(facts), "{\"keys\":%zu,\"resumed\":%s}", report->wrapped,
                 report->resumed ? "true" : "false");
        return transaction_begin(database, DATABASE_TENANT, installation_tenant_id, &transaction, reterr_failure) &&
               transaction_run(transaction, QUERY_OPERATION_LOG_ADD,
                               VALUES(value_uuid(id), value_string(key),
                                      value_bytes((Text){ (const char *) digest.bytes, HASH_SIZE }),
                                      value_string("key-rotate"), value_string("terminal"), value_null(), value_null(),
                                      value_string("warning"), value_string("success"), value_string(facts),
                                      value_null(), value_integer(0), value_string(settings->hub_name)),
                               NULL, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

int key_rotate_main(const Settings *settings, const Arguments *arguments) {
        _cleanup_(database_freep) Database *database = database_new(
                &(DatabaseSettings){ .conninfo = settings->database, .application = "aiox key" });
        int64_t begun_us = clock_now().monotonic_us;
        RotateReport report;
        Failure failure;
        if (!keyring_rotate(database, settings->master_key_file, arguments->operands[0], &report, &failure))
                return command_fail(&failure);
        printf("%s%zu keys of tenants are wrapped by the new master key, in %.1f s.\n"
               "It stands in %s now; the one before in %s.former, which opens nothing here any more.\n"
               "On other machines of this database: put the new file in the old one's place.\n",
               report.resumed ? "A change that was broken off was gone on with. " : "", report.wrapped,
               (double) (clock_now().monotonic_us - begun_us) / SECONDS, settings->master_key_file,
               settings->master_key_file);
        return record(database, settings, &report, &failure) ? 0 : command_fail(&failure);
}
