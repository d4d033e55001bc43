#include "store/keyring_rotate.h"

#include "store/connection.h"
#include "store/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE   4096
#define ROUNDS_MOST 20
/* Of an exchange: its transaction's begin and end, and two calls for each key. */
#define KEYS_AT_ONCE ((CONNECTION_CALLS - 2) / 2)

/* A row of tenant_keys that the new master key does not wrap. */
typedef struct Wrapped {
        Uuid tenant_id;
        int key_id;
        MasterId by;
        char bytes[KEY_SIZE + SEAL_OVERHEAD];
} Wrapped;

typedef struct Rotation {
        Database *database;
        Masters masters;
        const Key *to;
        MasterId to_id;
        Wrapped *left;
        size_t left_count, left_room;
} Rotation;

static void rotation_release(Rotation *rotation) {
        masters_release(&rotation->masters);
        free(rotation->left);
}

static bool file_failed(const char *path, Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_INTERNAL, "cannot write %s: %s", path, strerror(errno));
}

/* Readable by whoever reads the file in force. */
static bool write_key(const char *path, const char *like, const Key *key, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        Text text = crypto_base64(arena, (Text){ (const char *) key->bytes, KEY_SIZE });
        struct stat about;
        _cleanup_(close_fdp) int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool done = file >= 0 && stat(like, &about) == 0 &&
                    (geteuid() != 0 || fchown(file, about.st_uid, about.st_gid) == 0) &&
                    fchmod(file, about.st_mode & (S_IRUSR | S_IWUSR | S_IRGRP)) == 0 &&
                    write(file, text.bytes, text.length) == (ssize_t) text.length && write(file, "\n", 1) == 1 &&
                    fsync(file) == 0;
        int error = errno;
        crypto_wipe((void *) text.bytes, text.length);
        errno = error;
        return done || file_failed(path, reterr_failure);
}

/* Puts the new key beside the file in force, where hubs find it, unless it is there from an earlier attempt. */
static bool install_next(Rotation *rotation, const char *path, const Key *new_key, Failure *reterr_failure) {
        char next[PATH_SIZE];
        MasterId id = master_id(new_key);
        snprintf(next, sizeof(next), "%s.next", path);
        Masters known = { 0 };
        if (!masters_read(path, &known, reterr_failure))
                return false;
        bool there = masters_find(&known, master_id_text(&id)) != NULL, taken = access(next, F_OK) == 0;
        masters_release(&known);
        if (!there && taken)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "a change to another master key was begun and not ended: end it first, with %s",
                                   next);
        if (!there && !write_key(next, path, new_key, reterr_failure))
                return false;
        if (!masters_read(path, &rotation->masters, reterr_failure))
                return false;
        rotation->to = masters_find(&rotation->masters, master_id_text(&id));
        rotation->to_id = id;
        return rotation->to ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "the new master key was not found beside the old one");
}

/* From now on whoever makes a data key wraps it by the new master key; who is at it is waited for. */
static bool put_in_force(Rotation *rotation, bool *ret_was, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(rotation->database, DATABASE_PLATFORM, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_MASTER_LOCK, NO_VALUES, NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_MASTER_IN_FORCE, NO_VALUES, &rows, reterr_failure))
                return false;
        *ret_was = rows_count(rows) > 0 && text_equal(rows_text(rows, 0, 0), master_id_text(&rotation->to_id));
        return transaction_run(transaction, QUERY_MASTER_SET, VALUES(value_bytes(master_id_text(&rotation->to_id))),
                               NULL, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

static bool take_row(void *rotation_, const Rows *row, Failure *reterr_failure) {
        Rotation *rotation = rotation_;
        Text by = rows_text(row, 0, 2), bytes = rows_text(row, 0, 3);
        if (by.length != MASTER_ID_SIZE || bytes.length != KEY_SIZE + SEAL_OVERHEAD)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a tenant's data key was altered");
        if (rotation->left_count == rotation->left_room) {
                rotation->left_room = rotation->left_room ? 2 * rotation->left_room : 64;
                rotation->left = memory_resize(rotation->left, rotation->left_room * sizeof(Wrapped));
        }
        Wrapped *wrapped = &rotation->left[rotation->left_count++];
        *wrapped = (Wrapped){ .tenant_id = rows_uuid(row, 0, 0), .key_id = (int) rows_integer(row, 0, 1) };
        memcpy(wrapped->by.bytes, by.bytes, by.length);
        memcpy(wrapped->bytes, bytes.bytes, bytes.length);
        return true;
}

static bool read_left(Rotation *rotation, Failure *reterr_failure) {
        rotation->left_count = 0;
        return database_stream(rotation->database, DATABASE_DIRECTORY, QUERY_KEYRING_OTHER,
                               VALUES(value_bytes(master_id_text(&rotation->to_id))), take_row, rotation,
                               reterr_failure);
}

static bool rewrap(Rotation *rotation, const Wrapped *from, Key *room, Arena *arena, Text *ret_wrapped,
                   Failure *reterr_failure) {
        const Key *by = masters_find(&rotation->masters, master_id_text(&from->by));
        if (!by) {
                char id[UUID_STRING_SIZE];
                uuid_format(from->tenant_id, id);
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "the key of tenant %s is wrapped by a master key that is in none of the files", id);
        }
        return master_unwrap(by, from->tenant_id, from->key_id, (Text){ from->bytes, sizeof(from->bytes) }, room,
                             reterr_failure) &&
               master_wrap(rotation->to, from->tenant_id, from->key_id, room, arena, ret_wrapped, reterr_failure);
}

/* Some keys, in one transaction and one round trip. */
static bool rewrap_some(Rotation *rotation, Connection *connection, const Wrapped *from, size_t count,
                        Failure *reterr_failure) {
        _cleanup_(crypto_keys_freep) Key *room = crypto_keys_new(1);
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 64 * 1024);
        Value values[KEYS_AT_ONCE][5];
        Call calls[CONNECTION_CALLS] = { { .query = QUERY_TRANSACTION_BEGIN } };
        size_t call_count = 1;
        for (size_t i = 0; i < count; i++) {
                Text wrapped;
                if (!rewrap(rotation, &from[i], room, arena, &wrapped, reterr_failure))
                        return false;
                values[i][0] = value_uuid(from[i].tenant_id);
                values[i][1] = value_integer(from[i].key_id);
                values[i][2] = value_bytes(master_id_text(&from[i].by));
                values[i][3] = value_bytes(master_id_text(&rotation->to_id));
                values[i][4] = value_bytes(wrapped);
                calls[call_count++] = (Call){ QUERY_TRANSACTION_TENANT, values[i], 1 };
                calls[call_count++] = (Call){ QUERY_KEYRING_REWRAP, values[i], 5 };
        }
        calls[call_count++] = (Call){ .query = QUERY_TRANSACTION_COMMIT };
        PGresult *last;
        if (!connection_exchange(connection, calls, call_count, &last, reterr_failure))
                return false;
        PQclear(last);
        return true;
}

static bool rewrap_left(Rotation *rotation, Failure *reterr_failure) {
        _cleanup_(connection_closep) Connection *connection = NULL;
        if (!database_connect(rotation->database, DATABASE_TENANT, &connection, reterr_failure))
                return false;
        for (size_t i = 0; i < rotation->left_count; i += KEYS_AT_ONCE) {
                size_t rest = rotation->left_count - i;
                if (!rewrap_some(rotation, connection, &rotation->left[i], rest < KEYS_AT_ONCE ? rest : KEYS_AT_ONCE,
                                 reterr_failure))
                        return false;
        }
        return true;
}

/* The new file in the old one's place, which stays beside it; there is one at every moment. */
static bool exchange_files(const char *path, Failure *reterr_failure) {
        char next[PATH_SIZE], former[PATH_SIZE];
        snprintf(next, sizeof(next), "%s.next", path);
        snprintf(former, sizeof(former), "%s.former", path);
        if (access(next, F_OK) != 0)
                return true;
        if (unlink(former) != 0 && errno != ENOENT)
                return file_failed(former, reterr_failure);
        return (link(path, former) == 0 && rename(next, path) == 0) || file_failed(path, reterr_failure);
}

bool keyring_rotate(Database *database, const char *path, const char *new_path, RotateReport *ret_report,
                    Failure *reterr_failure) {
        _cleanup_(rotation_release) Rotation rotation = { .database = database };
        _cleanup_(crypto_keys_freep) Key *key = crypto_keys_new(1);
        bool was_in_force;
        *ret_report = (RotateReport){ 0 };
        if (!crypto_start(reterr_failure) || !master_read(new_path, key, reterr_failure) ||
            !install_next(&rotation, path, key, reterr_failure) ||
            !put_in_force(&rotation, &was_in_force, reterr_failure))
                return false;
        ret_report->resumed = was_in_force;
        for (int round = 0; round < ROUNDS_MOST; round++) {
                if (!read_left(&rotation, reterr_failure))
                        return false;
                if (rotation.left_count > 0) {
                        if (!rewrap_left(&rotation, reterr_failure))
                                return false;
                        ret_report->wrapped += rotation.left_count;
                        continue;
                }
                if (was_in_force && ret_report->wrapped == 0 && rotation.to == rotation.masters.keys)
                        return failure_set(reterr_failure, FAILURE_CONFLICT, "this master key is in force already");
                return exchange_files(path, reterr_failure);
        }
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                           "keys are still made by hubs that do not know the new master key: put it beside theirs");
}

static bool count_row(void *count, const Rows *row, Failure *reterr_failure) {
        (void) row, (void) reterr_failure;
        ++*(size_t *) count;
        return true;
}

bool keyring_rotation_pending(Database *database, size_t *ret_pending, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        *ret_pending = 0;
        if (!transaction_begin(database, DATABASE_PLATFORM, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_MASTER_IN_FORCE, NO_VALUES, &rows, reterr_failure))
                return false;
        return rows_count(rows) == 0 ||
               database_stream(database, DATABASE_DIRECTORY, QUERY_KEYRING_OTHER,
                               VALUES(value_bytes(rows_text(rows, 0, 0))), count_row, ret_pending, reterr_failure);
}
