#include "store/columns.h"

#include "base/clock.h"
#include "base/map.h"

#include <endian.h>

#define HEADER_SIZE 20 /* dimensions, whether there are nulls, type, count, lower bound */

static char *room(Column *column, size_t size) {
        if (column->length + size > column->capacity) {
                column->capacity = 2 * (column->length + size);
                column->bytes = memory_resize(column->bytes, column->capacity);
        }
        char *place = column->bytes + column->length;
        column->length += size;
        return place;
}

static void put_int32(char *place, uint32_t value) {
        value = htobe32(value);
        memcpy(place, &value, sizeof(value));
}

void column_start(Column *column, Oid type) {
        column->length = column->count = column->nulls = 0;
        char *header = room(column, HEADER_SIZE);
        memset(header, 0, HEADER_SIZE);
        put_int32(header, 1);
        put_int32(header + 8, type);
        put_int32(header + 16, 1);
}

static void add(Column *column, const void *bytes, size_t size) {
        char *place = room(column, 4 + size);
        put_int32(place, (uint32_t) size);
        if (size > 0)
                memcpy(place + 4, bytes, size);
        column->count++;
}

void column_null(Column *column) {
        put_int32(room(column, 4), UINT32_MAX);
        column->count++;
        column->nulls++;
}

void column_uuid(Column *column, Uuid uuid) {
        add(column, uuid.bytes, sizeof(uuid.bytes));
}

void column_uuid_or_null(Column *column, Uuid uuid) {
        if (uuid_is_zero(uuid))
                column_null(column);
        else
                column_uuid(column, uuid);
}

void column_bigint(Column *column, int64_t value) {
        uint64_t bytes = htobe64((uint64_t) value);
        add(column, &bytes, sizeof(bytes));
}

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
        return value < least ? least : value > most ? most : value;
}

void column_integer(Column *column, int64_t value) {
        uint32_t bytes = htobe32((uint32_t) clamp(value, INT32_MIN, INT32_MAX));
        add(column, &bytes, sizeof(bytes));
}

void column_smallint(Column *column, int64_t value) {
        uint16_t bytes = htobe16((uint16_t) clamp(value, INT16_MIN, INT16_MAX));
        add(column, &bytes, sizeof(bytes));
}

void column_time(Column *column, int64_t wall_us) {
        column_bigint(column, wall_us - POSTGRES_EPOCH_US);
}

void column_bytes(Column *column, Text bytes) {
        add(column, bytes.bytes, bytes.length);
}

void column_bytes_or_null(Column *column, Text bytes) {
        if (bytes.length == 0)
                column_null(column);
        else
                column_bytes(column, bytes);
}

Value column_value(Column *column) {
        put_int32(column->bytes + 4, column->nulls > 0);
        put_int32(column->bytes + 12, column->count);
        /* An empty array has no dimension, and nothing after its type. */
        put_int32(column->bytes, column->count > 0);
        return (Value){ .type = VALUE_ENCODED,
                        .text = { column->bytes, column->count > 0 ? column->length : HEADER_SIZE - 8 } };
}

void column_release(Column *column) {
        free(column->bytes);
        *column = (Column){ 0 };
}
