/* The schema as the program carries it: migrations in order, and every query under its name, both made from the files
 * in schema/ when the program is built. Not a connection and not what runs them: that is store/.
 *
 * Constants; any thread.
 */
#pragma once

#include "schema/queries.h"

#include <stddef.h>

/* One block of schema/queries/: `-- name: agent_by_name` becomes QUERY_AGENT_BY_NAME. */
typedef struct QueryText {
        const char *name;
        const char
                *roles; /* database roles without "aiox_", separated by spaces: it is prepared under each in a test */
        const char *sql;
} QueryText;

extern const QueryText query_texts[QUERY_COUNT];

typedef struct Migration {
        int number;       /* from the file's name: 0001_… is 1 */
        int oldest;       /* the oldest schema a program may know and still run on this one */
        const char *name; /* the file's name without folder */
        const char *sql;
} Migration;

extern const Migration migrations[];
extern const size_t migration_count;
