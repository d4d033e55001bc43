/* The scribe's hand for the audit: signed ends of its chains, to a file and to witnesses. */
#include "component/scribe_parts.h"

#include "base/log.h"
#include "base/map.h"
#include "component/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define WITNESS_LINES 40    /* of one message */
#define KEPT_MOST     65536 /* heads that could not be written */
#define FORMER_LIFE   (120 * SECONDS)

static void keep(Scribe *scribe, const AuditHead *heads, size_t count) {
        size_t room = scribe->kept_count < KEPT_MOST ? KEPT_MOST - scribe->kept_count : 0;
        count = count < room ? count : room;
        if (count == 0)
                return;
        scribe->kept = memory_resize(scribe->kept, (scribe->kept_count + count) * sizeof(AuditHead));
        memcpy(scribe->kept + scribe->kept_count, heads, count * sizeof(AuditHead));
        scribe->kept_count += count;
}

static bool keep_end(void *taker, const Rows *row, Failure *reterr_failure) {
        AuditHead head = { .tenant_id = rows_uuid(row, 0, 0), .position = rows_integer(row, 0, 1) };
        (void) reterr_failure;
        memcpy(head.hash.bytes, rows_text(row, 0, 2).bytes, HASH_SIZE);
        keep(taker, &head, 1);
        return true;
}

/* A hub that was killed between a commit and the minute's end left ends unsigned: those newer than the file, which it
 * had written last. */
static bool announce(Scribe *scribe, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        PublicKey public = crypto_public_key(scribe->seed);
        struct stat about;
        int64_t since_us = stat(scribe->path, &about) == 0 ? about.st_mtim.tv_sec * SECONDS - FORMER_LIFE : 0;
        if (!transaction_begin(scribe->settings.database, DATABASE_JOURNAL, (Uuid){ 0 }, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_AUDIT_KEY_ADD,
                             VALUES(value_text(scribe_hub(scribe)), value_bytes(MAP_KEY(public))), NULL,
                             reterr_failure) ||
            !transaction_stream(transaction, QUERY_AUDIT_ENDS,
                                VALUES(value_text(scribe_hub(scribe)), value_time(since_us)), keep_end, scribe,
                                reterr_failure))
                return false;
        return transaction_commit(transaction, reterr_failure);
}

/* A line that a full disk cut off is ended first, so that no other is lost with it. */
static bool append(const char *path, Text lines, Failure *reterr_failure) {
        _cleanup_(close_fdp) int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        struct stat about;
        char last = '\n';
        bool good = file >= 0 && fstat(file, &about) == 0;
        if (good && about.st_size > 0)
                good = pread(file, &last, 1, about.st_size - 1) == 1;
        if (good && last != '\n')
                good = write(file, "\n", 1) == 1;
        if (good) {
                errno = ENOSPC;
                good = write(file, lines.bytes, lines.length) == (ssize_t) lines.length && fdatasync(file) == 0;
        }
        return good || failure_set(reterr_failure, FAILURE_UNAVAILABLE, "cannot write the audit's heads %s: %s", path,
                                   strerror(errno));
}

static void witness(Scribe *scribe, Text lines) {
        const Settings *settings = reload_current(scribe->settings.reload);
        for (const char **jid = settings->audit_witness_jid; jid && *jid; jid++)
                inbox_tell(scribe->settings.inbox, text_of(*jid), TEXT_NONE, lines);
}

/* The last of a tenant's is enough: kept ones may have been overtaken. */
static bool overtaken(const Scribe *scribe, size_t index, Map *newest) {
        const AuditHead *head = &scribe->kept[index], *known = map_get(newest, MAP_KEY(head->tenant_id));
        return known != head;
}

static bool write_heads(Scribe *scribe, int64_t wall_us, Failure *reterr_failure) {
        _cleanup_(map_freep) Map *newest = map_new(scribe->kept_count);
        TextBuilder lines = text_builder((size_t) KEPT_MOST * 1024), said = text_builder(0);
        size_t said_lines = 0;
        for (size_t i = 0; i < scribe->kept_count; i++) {
                const AuditHead *known = map_get(newest, MAP_KEY(scribe->kept[i].tenant_id));
                if (!known || known->position < scribe->kept[i].position)
                        map_put(newest, MAP_KEY(scribe->kept[i].tenant_id), &scribe->kept[i]);
        }
        for (size_t i = 0; i < scribe->kept_count; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(16 * 1024);
                Text line;
                AuditHead *head = &scribe->kept[i];
                if (overtaken(scribe, i, newest))
                        continue;
                head->hub = scribe_hub(scribe);
                head->at_us = wall_us;
                head_sign(head, scribe->seed);
                if (!head_write(head, arena, &line))
                        continue;
                text_add(&lines, line);
                text_add_char(&lines, '\n');
        }
        bool written = append(scribe->path, text_built(&lines), reterr_failure);
        Text rest = text_built(&lines), line;
        while (written && text_split(&rest, '\n', &line)) {
                text_add(&said, line);
                text_add_char(&said, '\n');
                if (++said_lines % WITNESS_LINES == 0 || rest.length == 0) {
                        witness(scribe, text_trim(text_built(&said)));
                        text_builder_reset(&said);
                }
        }
        text_builder_release(&said);
        text_builder_release(&lines);
        return written;
}

void scribe_write_heads(Scribe *scribe, const ScribeJob *job) {
        Failure failure;
        keep(scribe, job->heads, job->count);
        bool good = scribe->announced || announce(scribe, &failure);
        scribe->announced |= good;
        if (good && scribe->kept_count > 0) {
                good = write_heads(scribe, job->wall_us, &failure);
                scribe->kept_count = good ? 0 : scribe->kept_count;
        }
        if (!good && !scribe->failing)
                log_error("ends of the audit's chains are not signed", "cause", LOG_STRING, failure.text);
        scribe->failing = !good;
}
