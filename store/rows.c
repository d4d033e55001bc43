#include "store/connection.h"

#include "base/clock.h"

#include <assert.h>
#include <endian.h>

static const PGresult *result_of(const Rows *rows) {
        return (const PGresult *) rows;
}

size_t rows_count(const Rows *rows) {
        return (size_t) PQntuples(result_of(rows));
}

size_t rows_changed(const Rows *rows) {
        int64_t count = 0;
        return text_to_int64(text_of(PQcmdTuples((PGresult *) rows)), &count) ? (size_t) count : 0;
}

bool rows_is_null(const Rows *rows, size_t row, int column) {
        assert(row < rows_count(rows) && column < PQnfields(result_of(rows)));
        return PQgetisnull(result_of(rows), (int) row, column);
}

static Oid type_of(const Rows *rows, int column) {
        return PQftype(result_of(rows), column);
}

static const char *bytes_of(const Rows *rows, size_t row, int column, size_t size) {
        assert(PQgetlength(result_of(rows), (int) row, column) == (int) size);
        return PQgetvalue(result_of(rows), (int) row, column);
}

static int64_t read_integer(const char *bytes, size_t size) {
        uint64_t value = 0;
        for (size_t i = 0; i < size; i++)
                value = value << 8 | (uint8_t) bytes[i];
        return size == 2 ? (int16_t) value : size == 4 ? (int32_t) value : (int64_t) value;
}

bool rows_boolean(const Rows *rows, size_t row, int column) {
        if (rows_is_null(rows, row, column))
                return false;
        assert(type_of(rows, column) == OID_BOOLEAN);
        return *bytes_of(rows, row, column, 1) != 0;
}

int64_t rows_integer(const Rows *rows, size_t row, int column) {
        if (rows_is_null(rows, row, column))
                return 0;
        Oid type = type_of(rows, column);
        assert(type == OID_SMALLINT || type == OID_INTEGER || type == OID_BIGINT || type == OID_XID8);
        size_t size = type == OID_SMALLINT ? 2 : type == OID_INTEGER ? 4 : 8;
        return read_integer(bytes_of(rows, row, column, size), size);
}

double rows_real(const Rows *rows, size_t row, int column) {
        if (rows_is_null(rows, row, column))
                return 0;
        if (type_of(rows, column) == OID_REAL) {
                float single;
                int32_t bits = (int32_t) read_integer(bytes_of(rows, row, column, 4), 4);
                memcpy(&single, &bits, sizeof(single));
                return single;
        }
        assert(type_of(rows, column) == OID_DOUBLE);
        double real;
        int64_t bits = read_integer(bytes_of(rows, row, column, 8), 8);
        memcpy(&real, &bits, sizeof(real));
        return real;
}

Text rows_text(const Rows *rows, size_t row, int column) {
        if (rows_is_null(rows, row, column))
                return TEXT_NONE;
        Oid type = type_of(rows, column);
        assert(type == OID_TEXT || type == OID_VARCHAR || type == OID_NAME || type == OID_JSON || type == OID_JSONB ||
               type == OID_BYTEA);
        Text text = { PQgetvalue(result_of(rows), (int) row, column),
                      (size_t) PQgetlength(result_of(rows), (int) row, column) };
        return type == OID_JSONB ? (Text){ text.bytes + 1, text.length - 1 } : text;
}

Uuid rows_uuid(const Rows *rows, size_t row, int column) {
        Uuid uuid = { { 0 } };
        if (rows_is_null(rows, row, column))
                return uuid;
        assert(type_of(rows, column) == OID_UUID);
        memcpy(uuid.bytes, bytes_of(rows, row, column, sizeof(uuid.bytes)), sizeof(uuid.bytes));
        return uuid;
}

int64_t rows_time(const Rows *rows, size_t row, int column) {
        if (rows_is_null(rows, row, column))
                return 0;
        assert(type_of(rows, column) == OID_TIMESTAMPTZ);
        return read_integer(bytes_of(rows, row, column, 8), 8) + POSTGRES_EPOCH_US;
}

bool rows_texts(const Rows *rows, size_t row, int column, Arena *arena, Text **ret_items, size_t *ret_count) {
        *ret_items = NULL;
        *ret_count = 0;
        if (rows_is_null(rows, row, column))
                return true;
        assert(type_of(rows, column) == OID_TEXT_ARRAY);
        const char *bytes = PQgetvalue(result_of(rows), (int) row, column);
        if (read_integer(bytes, 4) == 0)
                return true;
        size_t count = (size_t) read_integer(bytes + 12, 4);
        Text *items = arena_take_array(arena, Text, count);
        if (!items)
                return false;
        bytes += 20; /* dimensions, flags, type, count, lower bound */
        for (size_t i = 0; i < count; i++) {
                int64_t length = read_integer(bytes, 4);
                items[i] = text_copy(arena, (Text){ bytes + 4, length > 0 ? (size_t) length : 0 });
                if (length > 0 && !items[i].bytes)
                        return false;
                bytes += 4 + (length > 0 ? length : 0);
        }
        *ret_items = items;
        *ret_count = count;
        return true;
}
