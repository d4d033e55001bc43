#include "component/audit_key.h"

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Beside the master key, unless a setting says where. */
static const char *path_of(const Settings *settings, const char *set, const char *name, Arena *arena) {
        const char *slash = strrchr(settings->master_key_file, '/');
        size_t folder = slash ? (size_t) (slash - settings->master_key_file) + 1 : 0;
        char path[4096];
        if (set)
                return set;
        snprintf(path, sizeof(path), "%.*s%s", (int) folder, settings->master_key_file, name);
        return text_string(arena, text_of(path));
}

const char *audit_heads_path(const Settings *settings, Arena *arena) {
        return path_of(settings, settings->audit_heads_file, "audit.heads", arena);
}

/* Whole or not at all, and never over one that is there: hubs of one folder share it. */
static bool make_file(const char *path, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Key seed;
        char part[4096];
        crypto_random(seed.bytes, sizeof(seed.bytes));
        Text text = crypto_base64(arena, MAP_KEY(seed));
        snprintf(part, sizeof(part), "%s.%d", path, (int) getpid());
        int file = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool written = file >= 0 && write(file, text.bytes, text.length) == (ssize_t) text.length &&
                       write(file, "\n", 1) == 1 && fsync(file) == 0;
        int cause = errno;
        if (file >= 0)
                close(file);
        if (written && link(part, path) != 0 && errno != EEXIST) {
                written = false;
                cause = errno;
        }
        if (file >= 0)
                unlink(part);
        crypto_wipe(&seed, sizeof(seed));
        crypto_wipe((void *) text.bytes, text.length);
        return written || failure_set(reterr_failure, FAILURE_UNAVAILABLE, "cannot write the audit's key %s: %s", path,
                                      strerror(cause));
}

static bool read_file(const char *path, Key **ret_seed, Failure *reterr_failure) {
        _cleanup_(close_fdp) int file = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_(arena_freep) Arena *arena = arena_new(4096);
        struct stat about;
        char bytes[256];
        if (file < 0 || fstat(file, &about) != 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "cannot read the audit's key %s: %s", path,
                                   strerror(errno));
        if (about.st_mode & S_IRWXO)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "the audit's key %s may be read by everybody: chmod 600 it", path);
        ssize_t length = read(file, bytes, sizeof(bytes));
        Text seed;
        bool good = length > 0 && crypto_base64_decode(arena, text_trim((Text){ bytes, (size_t) length }), &seed) &&
                    seed.length == KEY_SIZE;
        crypto_wipe(bytes, sizeof(bytes));
        if (!good)
                return failure_set(reterr_failure, FAILURE_INVALID, "the audit's key %s is not 32 bytes in base64",
                                   path);
        *ret_seed = crypto_keys_new(1);
        memcpy((*ret_seed)->bytes, seed.bytes, KEY_SIZE);
        crypto_wipe((void *) seed.bytes, seed.length);
        return true;
}

bool audit_key_open(const Settings *settings, bool make, Key **ret_seed, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        const char *path = path_of(settings, settings->audit_key_file, "audit.key", arena);
        if (make && access(path, F_OK) != 0 && errno == ENOENT && !make_file(path, reterr_failure))
                return false;
        return read_file(path, ret_seed, reterr_failure);
}

Text audit_key_name(const Key *seed, Arena *arena) {
        PublicKey public = crypto_public_key(seed);
        return crypto_base64(arena, MAP_KEY(public));
}
