/* Migrations and upkeep of the schema: `aiox migrate` brings a database to the schema this program carries, `aiox keep`
 * makes parts ahead of time and takes old ones away, and a hub asks at its start whether it may run on what is there.
 *
 * These block, for minutes if need be; `progress` (may be NULL) is called between steps with a finished sentence.
 * Migrate and keep work as the database's owner and may run beside hubs. Each migration is one transaction.
 */
#pragma once

#include "store/database.h"

typedef void (*Progress)(void *listener, const char *sentence);

/* last: stop after this migration, 0 = all. FAILURE_CONFLICT when the database holds what no migration of ours made, or
 * a migration with other text, or one that this program does not know and that says it is too old for it. Ends with
 * parts for the next 30 days. */
bool schema_migrate(Database *database, int last, Progress progress, void *listener,
                    Failure *reterr_failure) _must_check_;

/* Whether a program with this schema may work here: every migration is applied unaltered, newer ones allow it, parts
 * reach to tomorrow, and the server makes commits durable (left out when `unsafe`). The failure names what to run. */
bool schema_check(Database *database, bool unsafe, Failure *reterr_failure) _must_check_;

typedef struct KeepSettings {
        int days_ahead;   /* 0 = 30 */
        int journal_days; /* parts of the journal older than this go, once nothing in them is open; 0 = never */
} KeepSettings;
bool schema_keep(Database *database, const KeepSettings *settings, Progress progress, void *listener,
                 Failure *reterr_failure) _must_check_;
