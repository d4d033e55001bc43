/* The watch: notices from counts in memory what is unusual about who writes: refusals of one person again and again, an
 * hour with far more messages than that person's own hours, a domain that never wrote before. It says so, once; what
 * follows (a record, a word to admins, a limit) is others'. Not a limit: nothing is refused here.
 *
 * Pure: all it knows of time is the monotonic clock that it is given, so that the wall clock's jumps mean nothing.
 * Bounded: who finds no room is not watched until others were forgotten. One thread; never blocks.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"

typedef struct Watch Watch;

typedef enum AlarmKind { ALARM_REFUSALS, ALARM_VOLUME, ALARM_DOMAIN, ALARM_KINDS } AlarmKind;

typedef struct Alarm {
        AlarmKind kind;
        Uuid tenant_id, agent_id;
        Text sender, domain; /* as they were given; DOMAIN has no sender */
        int64_t count;       /* refusals in the last minutes, or messages in this hour */
        int64_t usual;       /* VOLUME: messages in an hour of his, in the mean */
} Alarm;

/* "refusals", "volume", "domain"; the audit's type is "security." and this. */
const char *alarm_name(AlarmKind kind);

Watch *watch_new(void);
void watch_free(Watch *watch);
DEFINE_RELEASE(Watch *, watch_free)

/* Each returns whether there is an alarm, which is then in ret_alarm; of one kind about one sender at most once an
 * hour. tenant_id: whose agent it is. */
bool watch_refusal(Watch *watch, Uuid tenant_id, Uuid agent_id, Text sender, int64_t monotonic_us, Alarm *ret_alarm);
bool watch_message(Watch *watch, Uuid tenant_id, Uuid agent_id, Text sender, int64_t monotonic_us, Alarm *ret_alarm);
/* A domain whose people come over a stream between servers. */
bool watch_domain(Watch *watch, Uuid tenant_id, Uuid agent_id, Text domain, Alarm *ret_alarm);
