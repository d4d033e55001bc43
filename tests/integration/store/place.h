/* A place for store tests: the database that tests/lab/with-postgres started, brought to a known state. The owner's
 * session is for preparing and for looking where no role of the program may.
 */
#pragma once

#include "store/connection.h"
#include "store/journal.h"
#include "store/keyring.h"
#include "store/migrate.h"

/* Of AIOX_DATABASE and AIOX_DATABASE_OWNER. */
Database *place_database(void);
/* Throws away everything in the database but the extension. */
void place_empty(void);
/* Empty, then migrated to the newest schema. */
void place_fresh(Database *database);
/* One or more statements as the owner; the test fails when they do. */
void place_execute(const char *sql);
/* The first column of the first row of a statement as the owner, as text, empty when there is none; lives until the
 * next call. */
const char *place_ask(const char *sql);

/* As another role of the program, by the conninfo of AIOX_DATABASE; for a tenant when that is not NULL. */
const char *place_ask_as(const char *role, const char *tenant, const char *sql);
/* Every table as after place_fresh(), without migrating again when the schema is there already. */
void place_clean(Database *database);

Journal *place_journal(Keyring *keyring);
/* Sends and waits for the report, at most 20 s. */
StoreReport *place_request(Journal *journal, const StoreRequest *request);
/* The report of what was sent before. */
StoreReport *place_await(Journal *journal);
/* A tenant with a key. */
Uuid place_tenant(Database *database, Keyring *keyring, const char *slug);
