/* The watch: notices from counts in memory what is unusual about who writes: refusals of one person again and again, or
 * of many people of one other server; an hour with so many messages that it is worth a look at what is usual; a domain
 * that never wrote before. It says so, once; what follows (a look at the history, a record, a word to admins, a limit)
 * is others'. Not a limit: nothing is refused here. Not a memory: it forgets within hours, and with the process.
 *
 * Pure: all it knows of time is the monotonic clock that it is given, so that the wall clock's jumps mean nothing.
 * Bounded: who finds no room is not watched until others were forgotten, and strangers have their room apart, so that a
 * crowd of them crowds out no account; of strangers and of foreign domains a tenant hears thirty alarms, and then
 * thirty an hour. One thread; never blocks.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"

typedef struct Watch Watch;

typedef enum AlarmKind { ALARM_REFUSALS, ALARM_CROWD, ALARM_VOLUME, ALARM_DOMAIN, ALARM_KINDS } AlarmKind;

/* Who did something, and to whose agent. */
typedef struct Observed {
        Uuid tenant_id, agent_id;
        Text sender, domain; /* his bare JID, and its domain */
        bool stranger;       /* without an account */
        bool local;          /* of our own server, whose people are never a crowd */
} Observed;

typedef struct Alarm {
        AlarmKind kind;
        Uuid tenant_id, agent_id;
        Text sender, domain; /* as they were given; CROWD and DOMAIN have no sender */
        int64_t count;       /* refusals in the last minutes; JIDs that were refused; messages in this hour */
} Alarm;

/* "refusals", "domain-refusals", "volume", "domain"; the audit's type is "security." and this. */
const char *alarm_name(AlarmKind kind);

Watch *watch_new(void);
void watch_free(Watch *watch);
DEFINE_RELEASE(Watch *, watch_free)

/* Each returns whether there is an alarm, which is then in ret_alarm. REFUSALS of one sender and CROWD of one domain
 * come at most once an hour; while the latter is one, strangers of the domain are none by themselves. */
bool watch_refusal(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm);
/* VOLUME, above a hundred messages in an hour and then whenever a quarter more came: to be compared with the history.
 */
bool watch_message(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm);
/* DOMAIN, of another server: new to this watch. */
bool watch_domain(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm);

/* What somebody wrote to a tenant's agents on the days before today, by the tenant's calendar, on all hubs. */
typedef struct History {
        int64_t days;        /* since his first, at most HISTORY_DAYS; days without a message count as well */
        double sum, squares; /* of the messages of each */
        int64_t today;       /* so far */
} History;

#define HISTORY_DAYS 28

/* Whether so many messages today, or in this hour if that is more, are far more than usual: above three times the mean
 * of his days and six standard deviations over it. False without a week's history. */
bool history_is_exceeded(const History *history, int64_t hour, int64_t *ret_today, int64_t *ret_usual);
