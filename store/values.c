#include "store/connection.h"

#include "base/clock.h"
#include "base/map.h"

#include <endian.h>

typedef struct ParameterRoom {
        uint8_t fixed[16];
        TextBuilder builder; /* arrays and jsonb, which need bytes of ours before the caller's */
} ParameterRoom;

static void add_int32(TextBuilder *builder, int32_t value) {
        uint32_t bytes = htobe32((uint32_t) value);
        text_add(builder, (Text){ (const char *) &bytes, sizeof(bytes) });
}

static Text put_integer(ParameterRoom *room, int64_t value, size_t size) {
        uint64_t bytes = htobe64((uint64_t) value);
        memcpy(room->fixed, (const uint8_t *) &bytes + sizeof(bytes) - size, size);
        return (Text){ (const char *) room->fixed, size };
}

static bool encode_integer(ParameterRoom *room, int64_t value, Oid type, Text *ret_bytes, Failure *reterr_failure) {
        if ((type == OID_SMALLINT && value != (int16_t) value) || (type == OID_INTEGER && value != (int32_t) value))
                return failure_set(reterr_failure, FAILURE_INVALID, "the number %lld is too large here",
                                   (long long) value);
        if (type == OID_DOUBLE) {
                double real = (double) value;
                memcpy(&value, &real, sizeof(value));
        }
        *ret_bytes = put_integer(room, value, type == OID_SMALLINT ? 2 : type == OID_INTEGER ? 4 : 8);
        return true;
}

static Text encode_real(ParameterRoom *room, double value, Oid type) {
        if (type == OID_REAL) {
                float single = (float) value;
                int32_t bits;
                memcpy(&bits, &single, sizeof(bits));
                return put_integer(room, bits, 4);
        }
        int64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return put_integer(room, bits, 8);
}

static Text encode_list(ParameterRoom *room, const Value *value) {
        bool texts = value->type == VALUE_TEXTS;
        room->builder = text_builder(0);
        int32_t header[] = { value->list.count > 0, 0, texts ? OID_TEXT : OID_UUID, (int32_t) value->list.count, 1 };
        for (size_t i = 0; i < (value->list.count > 0 ? 5 : 3); i++)
                add_int32(&room->builder, header[i]);
        for (size_t i = 0; i < value->list.count; i++) {
                Text item = texts ? ((const Text *) value->list.items)[i]
                                  : MAP_KEY(((const Uuid *) value->list.items)[i]);
                add_int32(&room->builder, (int32_t) item.length);
                text_add(&room->builder, item);
        }
        return text_built(&room->builder);
}

static Text encode_json(ParameterRoom *room, Text json) {
        room->builder = text_builder(0);
        text_add_char(&room->builder, 1); /* version of jsonb's binary form */
        text_add(&room->builder, json);
        return text_built(&room->builder);
}

/* Which types of parameter a value may become. */
static const Oid accepted_types[][6] = {
        [VALUE_BOOLEAN] = { OID_BOOLEAN },
        [VALUE_INTEGER] = { OID_SMALLINT, OID_INTEGER, OID_BIGINT, OID_XID8, OID_DOUBLE },
        [VALUE_REAL] = { OID_REAL, OID_DOUBLE },
        [VALUE_TEXT] = { OID_TEXT, OID_VARCHAR, OID_NAME, OID_JSON, OID_JSONB },
        [VALUE_BYTES] = { OID_BYTEA },
        [VALUE_UUID] = { OID_UUID },
        [VALUE_TIME] = { OID_TIMESTAMPTZ },
        [VALUE_TEXTS] = { OID_TEXT_ARRAY },
        [VALUE_UUIDS] = { OID_UUID_ARRAY },
};

static bool type_accepts(ValueType value, Oid type) {
        if (value == VALUE_NULL || value == VALUE_ENCODED)
                return true;
        for (size_t i = 0; i < COUNT_OF(accepted_types[value]); i++)
                if (accepted_types[value][i] == type)
                        return true;
        return false;
}

static bool encode(ParameterRoom *room, const Value *value, Oid type, Text *ret_bytes, Failure *reterr_failure) {
        switch (value->type) {
        case VALUE_NULL:
                break;
        case VALUE_BOOLEAN:
                *ret_bytes = put_integer(room, value->boolean, 1);
                break;
        case VALUE_INTEGER:
                return encode_integer(room, value->integer, type, ret_bytes, reterr_failure);
        case VALUE_TIME:
                *ret_bytes = put_integer(room, value->integer - POSTGRES_EPOCH_US, 8);
                break;
        case VALUE_REAL:
                *ret_bytes = encode_real(room, value->real, type);
                break;
        case VALUE_TEXT:
                *ret_bytes = type == OID_JSONB ? encode_json(room, value->text) : value->text;
                break;
        case VALUE_BYTES:
        case VALUE_ENCODED:
                *ret_bytes = value->text;
                break;
        case VALUE_UUID:
                *ret_bytes = MAP_KEY(value->uuid);
                break;
        case VALUE_TEXTS:
        case VALUE_UUIDS:
                *ret_bytes = encode_list(room, value);
                break;
        }
        if (room->builder.overflowed)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "a value of a query is over 16 MiB");
        return true;
}

bool parameters_make(const Value *values, size_t count, const Oid *types, Parameters *ret_parameters,
                     Failure *reterr_failure) {
        Parameters made = {
                .count = count,
                .values = memory_new(sizeof(char *) * (count + 1)),
                .lengths = memory_new(sizeof(int) * (count + 1)),
                .formats = memory_new(sizeof(int) * (count + 1)),
                .room = memory_new(sizeof(ParameterRoom) * (count + 1)),
        };
        for (size_t i = 0; i < count; i++) {
                Text bytes = TEXT_NONE;
                bool fits = type_accepts(values[i].type, types[i]);
                if (!fits)
                        failure_set(reterr_failure, FAILURE_INTERNAL,
                                    "parameter $%zu has type %u, which its value is not", i + 1, types[i]);
                if (!fits || !encode(&made.room[i], &values[i], types[i], &bytes, reterr_failure)) {
                        parameters_release(&made);
                        return false;
                }
                made.values[i] = values[i].type == VALUE_NULL ? NULL : bytes.bytes ? bytes.bytes : "";
                made.lengths[i] = (int) bytes.length;
                made.formats[i] = 1;
        }
        *ret_parameters = made;
        return true;
}

void parameters_release(Parameters *parameters) {
        for (size_t i = 0; i < parameters->count && parameters->room; i++)
                text_builder_release(&parameters->room[i].builder);
        free(parameters->values);
        free(parameters->lengths);
        free(parameters->formats);
        free(parameters->room);
        *parameters = (Parameters){ 0 };
}
