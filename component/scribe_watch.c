/* The scribe's hand for what was unusual: the record, the word to the tenant's admins, and the limit that answers it.
 * The limit is a row of the installation's like those that platform admins set, so that every hub follows it within a
 * second or two. */
#include "component/scribe_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "component/inbox.h"

#include <stdio.h>

/* No window that people choose: a limit of theirs is never taken for one of these. */
#define THROTTLE_WINDOW_US (601 * SECONDS)
#define THROTTLE_MESSAGES  10

typedef struct Record {
        Uuid id, account_id, limit_id;
        int64_t until_us; /* 0: nothing is limited */
        Text domain;
} Record;

static bool find_account(Scribe *scribe, Text sender, Uuid *ret_account_id, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        *ret_account_id = (Uuid){ 0 };
        if (sender.length == 0)
                return true;
        if (!transaction_begin(scribe->settings.database, DATABASE_DIRECTORY, (Uuid){ 0 }, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_WATCHED_ACCOUNT, VALUES(value_text(sender)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0)
                *ret_account_id = rows_uuid(rows, 0, 0);
        return true;
}

/* An account is limited itself; of strangers, the domain that a new one is. A stranger alone is the sender's rate's. */
static bool throttle(Scribe *scribe, const Alarm *alarm, Record *record, int64_t now_us, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        int64_t seconds = reload_current(scribe->settings.reload)->security_throttle_seconds;
        bool domain = alarm->kind == ALARM_DOMAIN;
        const Rows *rows;
        if (seconds == 0 || (!domain && uuid_is_zero(record->account_id)))
                return true;
        Uuid id = uuid_make(&scribe->own_uuids, now_us);
        if (!transaction_begin(scribe->settings.database, DATABASE_TENANT, installation_tenant_id, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_THROTTLE_ADD,
                             VALUES(value_uuid(id), value_string(domain ? "domain" : "account"),
                                    domain ? value_null() : value_uuid(record->account_id),
                                    domain ? value_text(alarm->domain) : value_null(),
                                    value_integer(THROTTLE_WINDOW_US), value_integer(THROTTLE_MESSAGES)),
                             &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0) { /* otherwise another alarm's stands */
                record->limit_id = id;
                record->until_us = now_us + seconds * SECONDS;
        }
        return transaction_commit(transaction, reterr_failure);
}

static void say(const Alarm *alarm, const Record *record, TextBuilder *builder) {
        switch (alarm->kind) {
        case ALARM_REFUSALS:
                text_add_format(builder, "%.*s was refused again and again: %lld times within a few minutes.",
                                TEXT_ARGUMENTS(alarm->sender), (long long) alarm->count);
                break;
        case ALARM_VOLUME:
                text_add_format(builder, "%.*s wrote %lld messages within an hour; %lld are usual.",
                                TEXT_ARGUMENTS(alarm->sender), (long long) alarm->count, (long long) alarm->usual);
                break;
        case ALARM_DOMAIN:
        case ALARM_KINDS:
                text_add_format(builder, "Somebody at %.*s wrote to one of your agents, for the first time.",
                                TEXT_ARGUMENTS(alarm->domain));
                break;
        }
        if (record->until_us != 0)
                text_add_format(builder, " Limited for now to %d messages in ten minutes.", THROTTLE_MESSAGES);
        text_add_string(builder, " See security-list.");
}

static Text facts_of(const Alarm *alarm, Arena *arena) {
        _cleanup_(json_freep) Json *facts = json_new_object();
        Text text;
        json_put_integer(facts, "count", alarm->count);
        if (alarm->kind == ALARM_VOLUME)
                json_put_integer(facts, "usual", alarm->usual);
        return json_canonical(facts, arena, &text) ? text : TEXT("{}");
}

/* False with a failure of kind NONE: it is nothing new. */
static bool record_event(Scribe *scribe, const ScribeJob *job, Record *record, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Alarm *alarm = &job->alarm;
        TextBuilder sentence = text_builder(0);
        char kind[40];
        const Rows *rows;
        *reterr_failure = (Failure){ 0 };
        if (!transaction_begin(scribe->settings.database, DATABASE_TENANT, alarm->tenant_id, &transaction,
                               reterr_failure))
                return false;
        if (alarm->kind == ALARM_DOMAIN) {
                if (!transaction_run(transaction, QUERY_KNOWN_DOMAIN_ADD, VALUES(value_text(alarm->domain)), &rows,
                                     reterr_failure) ||
                    rows_count(rows) == 0)
                        return false;
        }
        if (!throttle(scribe, alarm, record, job->wall_us, reterr_failure) ||
            !transaction_run(transaction, QUERY_SECURITY_EVENT_ADD,
                             VALUES(value_uuid(record->id), value_time(job->wall_us), value_text(scribe_hub(scribe)),
                                    value_string(alarm_name(alarm->kind)),
                                    value_string(alarm->kind == ALARM_DOMAIN ? "info" : "warning"),
                                    value_uuid_or_null(record->account_id), value_text_or_null(record->domain),
                                    value_uuid_or_null(alarm->agent_id), value_text(facts_of(alarm, job->arena)),
                                    value_uuid_or_null(record->limit_id),
                                    record->until_us ? value_time(record->until_us) : value_null()),
                             NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_ADMINS_JIDS, NO_VALUES, &rows, reterr_failure))
                return false;
        say(alarm, record, &sentence);
        snprintf(kind, sizeof(kind), "security.%s", alarm_name(alarm->kind));
        bool done = transaction_commit(transaction, reterr_failure);
        for (size_t i = 0; done && i < rows_count(rows); i++)
                inbox_tell(scribe->settings.inbox, rows_text(rows, i, 0), text_of(kind), text_built(&sentence));
        text_builder_release(&sentence);
        return done;
}

void scribe_record_alarm(Scribe *scribe, const ScribeJob *job) {
        const Alarm *alarm = &job->alarm;
        Record record = { .id = uuid_make(&scribe->own_uuids, job->wall_us), .domain = alarm->domain };
        Failure failure;
        if (record.domain.length == 0)
                record.domain = jid_domain(alarm->sender);
        if ((!find_account(scribe, alarm->sender, &record.account_id, &failure) ||
             !record_event(scribe, job, &record, &failure)) &&
            failure.kind != FAILURE_NONE)
                log_error("a security event is not recorded", "cause", LOG_STRING, failure.text);
}

static bool lift(Scribe *scribe, Uuid tenant_id, Uuid id, Uuid limit_id, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *limits = NULL, *events = NULL;
        return transaction_begin(scribe->settings.database, DATABASE_TENANT, installation_tenant_id, &limits,
                                 reterr_failure) &&
               transaction_run(limits, QUERY_THROTTLE_REMOVE, VALUES(value_uuid(limit_id)), NULL, reterr_failure) &&
               transaction_commit(limits, reterr_failure) &&
               transaction_begin(scribe->settings.database, DATABASE_TENANT, tenant_id, &events, reterr_failure) &&
               transaction_run(events, QUERY_SECURITY_EVENT_LIFT, VALUES(value_uuid(id)), NULL, reterr_failure) &&
               transaction_commit(events, reterr_failure);
}

/* Any hub's: what one left when it stopped, another lifts. */
void scribe_lift_throttles(Scribe *scribe) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *due;
        Failure failure;
        bool good = transaction_begin(scribe->settings.database, DATABASE_JOURNAL, (Uuid){ 0 }, &transaction,
                                      &failure) &&
                    transaction_run(transaction, QUERY_SECURITY_EVENTS_DUE, NO_VALUES, &due, &failure);
        for (size_t i = 0; good && i < rows_count(due); i++)
                good = lift(scribe, rows_uuid(due, i, 0), rows_uuid(due, i, 1), rows_uuid(due, i, 2), &failure);
        if (!good)
                log_warning("limits that are over are not lifted yet", "cause", LOG_STRING, failure.text);
}
