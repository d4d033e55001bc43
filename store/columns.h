/* Columns: many values of one type as a PostgreSQL array in binary form, for statements that insert a batch by
 * unnest(). A column keeps its memory from batch to batch.
 *
 * One thread; never blocks. The Value borrows the column's bytes, until it is started again.
 */
#pragma once

#include "store/connection.h"

typedef struct Column {
        char *bytes;
        size_t length, capacity;
        uint32_t count, nulls;
} Column;

void column_start(Column *column, Oid type); /* of the items */
void column_null(Column *column);
void column_uuid(Column *column, Uuid uuid);
void column_uuid_or_null(Column *column, Uuid uuid); /* zero becomes null */
void column_bigint(Column *column, int64_t value);
/* What is out of range becomes the nearest value that is not: these are counts. */
void column_integer(Column *column, int64_t value);
void column_smallint(Column *column, int64_t value);
void column_time(Column *column, int64_t wall_us);
void column_bytes(Column *column, Text bytes);         /* text too */
void column_bytes_or_null(Column *column, Text bytes); /* empty becomes null */
Value column_value(Column *column);
void column_release(Column *column);
