#include "base/log.h"
#include "base/thread.h"
#include "component/audit_key.h"
#include "component/inbox.h"
#include "component/scribe_parts.h"

#define WAITING_MOST 8192 /* jobs; lines of logs beyond are counted */
#define LINES_MOST   256  /* of one transaction */

static void job_free(ScribeJob *job) {
        if (job->arena)
                arena_free(job->arena);
        free(job->heads);
        free(job);
}

static void write_lines(Scribe *scribe, ScribeJob **jobs, size_t count) {
        TenantLogLine lines[LINES_MOST];
        Failure failure;
        for (size_t i = 0; i < count; i++)
                lines[i] = jobs[i]->line;
        bool good = tenant_log_write(scribe->settings.database, scribe_hub(scribe), lines, count, &failure);
        if (!good && !scribe->log_failing)
                log_error("tenants' logs are not written", "cause", LOG_STRING, failure.text);
        scribe->log_failing = !good;
        for (size_t i = 0; i < count; i++)
                job_free(jobs[i]);
}

/* Lines that follow each other share a transaction. */
static ScribeJob *run_lines(Scribe *scribe, ScribeJob *job) {
        ScribeJob *jobs[LINES_MOST];
        size_t count = 0;
        while (job && job->task == SCRIBE_LOG && count < LINES_MOST) {
                jobs[count++] = job;
                job = (ScribeJob *) queue_take(scribe->jobs, 0);
        }
        write_lines(scribe, jobs, count);
        return job;
}

static void run_job(Scribe *scribe, ScribeJob *job) {
        if (job->task == SCRIBE_ALARM)
                scribe_record_alarm(scribe, job);
        else {
                scribe_write_heads(scribe, job);
                scribe_lift_throttles(scribe);
        }
        job_free(job);
}

static void *run(void *scribe_) {
        Scribe *scribe = scribe_;
        ScribeJob *job;
        while ((job = (ScribeJob *) queue_take(scribe->jobs, -1)))
                while (job) {
                        bool line = job->task == SCRIBE_LOG;
                        ScribeJob *next = line ? run_lines(scribe, job) : NULL;
                        if (!line)
                                run_job(scribe, job);
                        job = next;
                }
        return NULL;
}

bool scribe_new(const ScribeSettings *settings, Scribe **ret_scribe, Failure *reterr_failure) {
        Key *seed;
        if (!audit_key_open(settings->settings, true, &seed, reterr_failure))
                return false;
        Scribe *scribe = memory_new(sizeof(*scribe));
        scribe->settings = *settings;
        scribe->seed = seed;
        scribe->arena = arena_new(0);
        scribe->path = audit_heads_path(settings->settings, scribe->arena);
        scribe->public_key = text_string(scribe->arena, audit_key_name(seed, scribe->arena));
        scribe->jobs = queue_new(false);
        if (thread_start(&scribe->thread, NULL, run, scribe) != 0)
                abort();
        *ret_scribe = scribe;
        return true;
}

const char *scribe_public_key(const Scribe *scribe) {
        return scribe->public_key;
}

static ScribeJob *job_new(ScribeTask task, int64_t wall_us) {
        ScribeJob *job = memory_new(sizeof(*job));
        job->task = task;
        job->wall_us = wall_us;
        return job;
}

void scribe_heads(Scribe *scribe, AuditHead *heads, size_t count, int64_t wall_us) {
        ScribeJob *job = job_new(SCRIBE_HEADS, wall_us);
        job->heads = heads;
        job->count = count;
        queue_put(scribe->jobs, &job->item);
}

static bool has_room(Scribe *scribe) {
        if (queue_length(scribe->jobs) < WAITING_MOST)
                return true;
        if (scribe->lost++ == 0)
                log_warning("tenants' logs come faster than they can be written");
        return false;
}

void scribe_log(Scribe *scribe, const TenantLogLine *line) {
        if (!has_room(scribe))
                return;
        scribe->lost = 0;
        ScribeJob *job = job_new(SCRIBE_LOG, line->at_us);
        job->arena = arena_new(64 * 1024);
        job->line = *line;
        job->line.id = uuid_make(&scribe->uuids, line->at_us);
        job->line.sentence = text_copy(job->arena, line->sentence);
        job->line.fields = text_copy(job->arena, line->fields);
        if (!job->line.fields.length)
                job->line.fields = TEXT("{}");
        queue_put(scribe->jobs, &job->item);
}

void scribe_alarm(Scribe *scribe, const Alarm *alarm, int64_t wall_us) {
        if (!has_room(scribe))
                return;
        ScribeJob *job = job_new(SCRIBE_ALARM, wall_us);
        job->arena = arena_new(64 * 1024);
        job->alarm = *alarm;
        job->alarm.sender = text_copy(job->arena, alarm->sender);
        job->alarm.domain = text_copy(job->arena, alarm->domain);
        queue_put(scribe->jobs, &job->item);
}

void scribe_free(Scribe *scribe) {
        queue_close(scribe->jobs);
        pthread_join(scribe->thread, NULL);
        queue_free(scribe->jobs);
        crypto_keys_free(scribe->seed);
        arena_free(scribe->arena);
        free(scribe->kept);
        free(scribe);
}
