/* The scribe's parts, shared by its own files: scribe.c (the thread and its queue), scribe_heads.c (signed ends of
 * chains), scribe_watch.c (what was unusual, and the limits that answer it).
 *
 * The scribe's thread, like the scribe.
 */
#pragma once

#include "component/scribe.h"
#include "store/tenant_log.h"

#include <pthread.h>

typedef enum ScribeTask { SCRIBE_HEADS, SCRIBE_LOG, SCRIBE_ALARM } ScribeTask;

typedef struct ScribeJob {
        QueueItem item; /* first */
        ScribeTask task;
        int64_t wall_us;
        Arena *arena;     /* what follows points into; may be NULL */
        AuditHead *heads; /* HEADS; freed with the job */
        size_t count;
        TenantLogLine line; /* LOG */
        Alarm alarm;        /* ALARM */
} ScribeJob;

struct Scribe {
        ScribeSettings settings;
        Queue *jobs;
        pthread_t thread;
        UuidGenerator uuids;     /* of the hub thread */
        UuidGenerator own_uuids; /* of its own */
        int64_t lost;            /* lines of logs, of the hub thread */
        Key *seed;
        Arena *arena; /* names */
        const char *path, *public_key;
        bool announced; /* the key stands in the database, and what a former life left unsigned is signed */
        bool failing, log_failing;
        AuditHead *kept; /* to be written with the next */
        size_t kept_count;
};

static inline Text scribe_hub(const Scribe *scribe) {
        return text_of(scribe->settings.settings->hub_name);
}

/* scribe_heads.c */
void scribe_write_heads(Scribe *scribe, const ScribeJob *job);

/* scribe_watch.c */
void scribe_record_alarm(Scribe *scribe, const ScribeJob *job);
void scribe_lift_throttles(Scribe *scribe); /* those whose time is over */
