/* The scribe's hand for what was unusual: the look at what is usual, the record, the word to the tenant's admins, and
 * the limit that answers it. The limit is a row of the tenant whose alarm it was, about who writes, like those that its
 * admins set, so that every hub follows it within a second or two and no other tenant is concerned; an alarm about the
 * installation's own agents is the installation's, whose limits hold with everybody. */
#include "component/scribe_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "component/inbox.h"
#include "orchestrator/governance/events.h"

#include <stdio.h>

/* No window that people choose: a limit of theirs is never taken for one of these. */
#define THROTTLE_WINDOW_US (601 * SECONDS)
#define THROTTLE_MESSAGES  10
#define THROTTLES_MOST     1000 /* of a tenant, at the same time */

/* What makes one alarm the same as another before it, whichever hub raised it. */
static const struct {
        bool of_domain;       /* else of a sender */
        int64_t once_seconds; /* 0: once for ever */
} kinds[ALARM_KINDS] = {
        [ALARM_REFUSALS] = { false, 3600 },
        [ALARM_CROWD] = { true, 3600 },
        [ALARM_VOLUME] = { false, 86400 },
        [ALARM_DOMAIN] = { true, 0 },
};

typedef struct Record {
        const Alarm *alarm;
        Uuid id, person_id, account_id, limit_id;
        int64_t at_us, until_us; /* until 0: nothing is limited */
        int64_t count, usual;
        Text domain;
        char type[40];
        const EventType *event;
} Record;

static bool find_account(Scribe *scribe, Text sender, Uuid *ret_account_id, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        *ret_account_id = (Uuid){ 0 };
        if (!transaction_begin(scribe->settings.database, DATABASE_DIRECTORY, (Uuid){ 0 }, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_WATCHED_ACCOUNT, VALUES(value_text(sender)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0)
                *ret_account_id = rows_uuid(rows, 0, 0);
        return true;
}

static bool record_about(Scribe *scribe, Record *record, Failure *reterr_failure) {
        const Alarm *alarm = record->alarm;
        record->domain = kinds[alarm->kind].of_domain ? alarm->domain : jid_domain(alarm->sender);
        snprintf(record->type, sizeof(record->type), "security.%s", alarm_name(alarm->kind));
        record->event = event_type_find(text_of(record->type));
        record->count = alarm->count;
        return kinds[alarm->kind].of_domain ||
               (keyring_person(scribe->settings.keyring, alarm->tenant_id, alarm->sender, &record->person_id,
                               reterr_failure) &&
                find_account(scribe, alarm->sender, &record->account_id, reterr_failure));
}

/* Against the tenant's roll-ups of usage, which all hubs write and which outlive them. */
static bool is_unusual(Transaction *transaction, Record *record, bool *ret_unusual, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_WATCHED_HISTORY,
                             VALUES(value_uuid(record->person_id), value_integer(HISTORY_DAYS)), &rows, reterr_failure))
                return false;
        History history = { .days = rows_integer(rows, 0, 0),
                            .sum = rows_real(rows, 0, 1),
                            .squares = rows_real(rows, 0, 2),
                            .today = rows_integer(rows, 0, 3) };
        *ret_unusual = history_is_exceeded(&history, record->alarm->count, &record->count, &record->usual);
        return true;
}

/* Whether there is something to be said. Hubs that ask about the same at the same time wait for each other. */
static bool is_news(Transaction *transaction, Record *record, bool *ret_news, Failure *reterr_failure) {
        const Alarm *alarm = record->alarm;
        bool of_domain = kinds[alarm->kind].of_domain;
        const Rows *rows;
        if (alarm->kind == ALARM_DOMAIN) {
                if (!transaction_run(transaction, QUERY_KNOWN_DOMAIN_ADD, VALUES(value_text(alarm->domain)), &rows,
                                     reterr_failure))
                        return false;
                *ret_news = rows_count(rows) > 0;
                return true;
        }
        if (!transaction_run(transaction, QUERY_SECURITY_EVENT_LOCK, VALUES(value_string(alarm_name(alarm->kind))),
                             NULL, reterr_failure) ||
            !transaction_run(
                    transaction, QUERY_SECURITY_EVENT_LATELY,
                    VALUES(value_string(alarm_name(alarm->kind)), value_integer(kinds[alarm->kind].once_seconds),
                           value_uuid_or_null(record->person_id), of_domain ? value_text(alarm->domain) : value_null()),
                    &rows, reterr_failure))
                return false;
        *ret_news = rows_count(rows) == 0;
        return !*ret_news || alarm->kind != ALARM_VOLUME || is_unusual(transaction, record, ret_news, reterr_failure);
}

static bool throttle(Scribe *scribe, Transaction *transaction, Record *record, Failure *reterr_failure) {
        int64_t seconds = reload_current(scribe->settings.reload)->security_throttle_seconds;
        const Alarm *alarm = record->alarm;
        const Rows *rows;
        if (seconds == 0)
                return true;
        Uuid id = uuid_make(&scribe->own_uuids, record->at_us);
        if (!transaction_run(transaction, QUERY_THROTTLE_ADD,
                             VALUES(value_uuid(id),
                                    value_text(kinds[alarm->kind].of_domain ? alarm->domain : alarm->sender),
                                    value_integer(THROTTLE_WINDOW_US), value_integer(THROTTLE_MESSAGES),
                                    value_integer(THROTTLES_MOST)),
                             &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0) { /* otherwise another alarm's stands, or there are too many */
                record->limit_id = id;
                record->until_us = record->at_us + seconds * SECONDS;
        }
        return true;
}

static void say(const Record *record, TextBuilder *builder) {
        const Alarm *alarm = record->alarm;
        switch (alarm->kind) {
        case ALARM_REFUSALS:
                text_add_format(builder, "%.*s was refused again and again: %lld times within a few minutes.",
                                TEXT_ARGUMENTS(alarm->sender), (long long) record->count);
                break;
        case ALARM_CROWD:
                text_add_format(builder,
                                "%lld people at %.*s, none of whom has an account, were refused within a few minutes.",
                                (long long) record->count, TEXT_ARGUMENTS(alarm->domain));
                break;
        case ALARM_VOLUME:
                text_add_format(builder, "%.*s wrote %lld messages today; %lld a day are usual.",
                                TEXT_ARGUMENTS(alarm->sender), (long long) record->count, (long long) record->usual);
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

/* The audit's name the domain, and for how long somebody is limited; the event has columns for both. */
static Text facts_of(const Record *record, bool audit, Arena *arena) {
        _cleanup_(json_freep) Json *facts = json_new_object();
        Text text;
        json_put_integer(facts, "count", record->count);
        if (record->alarm->kind == ALARM_VOLUME)
                json_put_integer(facts, "usual", record->usual);
        if (audit && kinds[record->alarm->kind].of_domain)
                json_put_text(facts, "domain", record->domain);
        if (audit && record->until_us > 0)
                json_put_integer(facts, "limited_seconds", (record->until_us - record->at_us) / SECONDS);
        return json_canonical(facts, arena, &text) ? text : TEXT("{}");
}

static bool write_event(Scribe *scribe, Transaction *transaction, const Record *record, Arena *arena,
                        Failure *reterr_failure) {
        const Alarm *alarm = record->alarm;
        return transaction_run(transaction, QUERY_SECURITY_EVENT_ADD,
                               VALUES(value_uuid(record->id), value_time(record->at_us), value_text(scribe_hub(scribe)),
                                      value_string(alarm_name(alarm->kind)), value_string(record->event->severity),
                                      value_uuid_or_null(record->account_id), value_text_or_null(record->domain),
                                      value_uuid_or_null(alarm->agent_id), value_text(facts_of(record, false, arena)),
                                      value_uuid_or_null(record->limit_id),
                                      record->until_us ? value_time(record->until_us) : value_null(),
                                      value_uuid_or_null(record->person_id)),
                               NULL, reterr_failure);
}

static void announce_event(Scribe *scribe, const Record *record, const Rows *admins, Arena *arena) {
        const Alarm *alarm = record->alarm;
        TextBuilder sentence = text_builder(0);
        inbox_audit(scribe->settings.inbox, &(AuditRecord){ .tenant_id = alarm->tenant_id,
                                                            .type = text_of(record->type),
                                                            .agent_id = alarm->agent_id,
                                                            .person = alarm->sender,
                                                            .facts = facts_of(record, true, arena) });
        say(record, &sentence);
        for (size_t i = 0; i < rows_count(admins); i++)
                inbox_tell(scribe->settings.inbox, rows_text(admins, i, 0), text_of(record->type),
                           text_built(&sentence));
        text_builder_release(&sentence);
}

static bool record_alarm(Scribe *scribe, const ScribeJob *job, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Record record = { .alarm = &job->alarm,
                          .at_us = job->wall_us,
                          .id = uuid_make(&scribe->own_uuids, job->wall_us) };
        const Rows *admins;
        bool news;
        if (!record_about(scribe, &record, reterr_failure) ||
            !transaction_begin(scribe->settings.database, DATABASE_TENANT, job->alarm.tenant_id, &transaction,
                               reterr_failure) ||
            !is_news(transaction, &record, &news, reterr_failure))
                return false;
        if (!news)
                return true;
        if (!throttle(scribe, transaction, &record, reterr_failure) ||
            !write_event(scribe, transaction, &record, job->arena, reterr_failure) ||
            !transaction_run(transaction, QUERY_ADMINS_JIDS, NO_VALUES, &admins, reterr_failure) ||
            !transaction_commit(transaction, reterr_failure))
                return false;
        announce_event(scribe, &record, admins, job->arena);
        return true;
}

void scribe_record_alarm(Scribe *scribe, const ScribeJob *job) {
        Failure failure;
        if (!record_alarm(scribe, job, &failure))
                log_error("a security event is not recorded", "cause", LOG_STRING, failure.text);
}

static bool lift(Scribe *scribe, const Rows *due, size_t row, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *limits = NULL, *events = NULL;
        Database *database = scribe->settings.database;
        return transaction_begin(database, DATABASE_TENANT, rows_uuid(due, row, 2), &limits, reterr_failure) &&
               transaction_run(limits, QUERY_THROTTLE_REMOVE, VALUES(value_uuid(rows_uuid(due, row, 3))), NULL,
                               reterr_failure) &&
               transaction_commit(limits, reterr_failure) &&
               transaction_begin(database, DATABASE_TENANT, rows_uuid(due, row, 0), &events, reterr_failure) &&
               transaction_run(events, QUERY_SECURITY_EVENT_LIFT, VALUES(value_uuid(rows_uuid(due, row, 1))), NULL,
                               reterr_failure) &&
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
        for (size_t i = 0, count = good ? rows_count(due) : 0; i < count; i++)
                good = lift(scribe, due, i, &failure) && good;
        if (!good)
                log_warning("limits that are over are not lifted yet", "cause", LOG_STRING, failure.text);
}
