#include "orchestrator/operations/secret.h"

#include <endian.h>

SealPlace secret_place(Uuid id, int64_t number, SecretPlace *room) {
        uint32_t counted = htobe32((uint32_t) number);
        memcpy(room->id, id.bytes, sizeof(id.bytes));
        memcpy(room->id + sizeof(id.bytes), &counted, sizeof(counted));
        return (SealPlace){ "secrets", "value", { (const char *) room->id, sizeof(room->id) } };
}

Text url_host(Text url) {
        Text rest = url, scheme, host;
        if (!text_starts_with(url, TEXT("https://")) && !text_starts_with(url, TEXT("http://")))
                return TEXT_NONE;
        text_split(&rest, ':', &scheme);
        rest = (Text){ rest.bytes + 2, rest.length - 2 };
        text_split(&rest, '/', &host);
        if (host.length == 0 || memchr(host.bytes, '@', host.length) || memchr(host.bytes, '?', host.length) ||
            memchr(host.bytes, '#', host.length))
                return TEXT_NONE;
        const char *end = host.bytes[0] == '[' ? memchr(host.bytes, ']', host.length)
                                               : memchr(host.bytes, ':', host.length);
        if (end)
                host.length = (size_t) (end - host.bytes) + (host.bytes[0] == '[');
        return host;
}

bool secret_may_go(Text name, Text bound_host, Text host, Failure *reterr_failure) {
        if (text_equal(bound_host, host))
                return true;
        return failure_set(reterr_failure, FAILURE_POLICY, "the secret '%.*s' is for %.*s and is not sent to %.*s",
                           TEXT_ARGUMENTS(name),
                           TEXT_ARGUMENTS(bound_host.length > 0 ? bound_host : TEXT("the installation's provider")),
                           TEXT_ARGUMENTS(host.length > 0 ? host : TEXT("the installation's provider")));
}

bool secret_use(Database *database, Keyring *keyring, Uuid tenant_id, Text name, Text host, Arena *arena,
                Text *ret_value, Uuid *ret_id, bool *ret_due, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows, *used;
        SecretPlace room;
        if (!transaction_begin(database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_SECRET_VALUE, VALUES(value_text(name)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no secret '%.*s' in this tenant",
                                   TEXT_ARGUMENTS(name));
        *ret_id = rows_uuid(rows, 0, 0);
        if (!secret_may_go(name, rows_text(rows, 0, 4), host, reterr_failure) ||
            !keyring_unseal(keyring, tenant_id, (int) rows_integer(rows, 0, 3),
                            secret_place(*ret_id, rows_integer(rows, 0, 1), &room), rows_text(rows, 0, 2), arena,
                            ret_value, reterr_failure))
                return false;
        bool done = transaction_run(transaction, QUERY_SECRET_USED, VALUES(value_uuid(*ret_id)), &used, reterr_failure);
        *ret_due = done && rows_count(used) > 0;
        done = done && transaction_commit(transaction, reterr_failure);
        if (!done)
                crypto_wipe((void *) ret_value->bytes, ret_value->length);
        return done;
}
