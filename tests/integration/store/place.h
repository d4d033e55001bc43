/* A place for store tests: the database that tests/lab/with-postgres started, brought to a known state. The owner's
 * session is for preparing and for looking where no role of the program may.
 */
#pragma once

#include "store/connection.h"
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
/* The first column of the first row of a statement as the owner, as text, empty when there is none; lives until the next
 * call. */
const char *place_ask(const char *sql);
