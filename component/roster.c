#include "component/roster.h"

#include <stdio.h>
#include <time.h>

#define RATE           1250 /* people a second, each domain */
#define BURST          10
#define FAREWELL_RATE  20000 /* nobody's message waits behind a goodbye */
#define FAREWELL_BURST 200
#define BATCH          4
#define LOOKS_AT_ONCE  256 /* most of them end in nothing to be said */

/* What a subscriber was told besides an agent's look. */
#define SHOWN_NOTHING 0
#define SHOWN_AWAY    0xfffffffeU /* the agent is not there: the hub stops */
#define SHOWN_ENDED   0xffffffffU /* the subscription is over */

/* Subscriptions in the order in which they came to wait. */
typedef struct Line {
        Subscription *first, *last;
} Line;

typedef struct Stream {
        Text domain;
        bool up, leaving;
        Line line;
        double tokens;
        int64_t filled_us;
} Stream;

struct Roster {
        Directory *directory;
        Stream *streams;
        size_t count;
        Line ended;         /* told so; their rows are still there */
        int64_t expires_us; /* wall clock: when the first grant ends by which somebody is subscribed; 0 = none does */
        /* What was made last, to be said to the next one too. */
        const Agent *agent;
        const Outgoing *presence;
};

static void line_add(Line *line, Subscription *subscription) {
        subscription->waits = true;
        subscription->following = NULL;
        if (line->last)
                line->last->following = subscription;
        else
                line->first = subscription;
        line->last = subscription;
}

static Subscription *line_take(Line *line) {
        Subscription *subscription = line->first;

        if (!subscription)
                return NULL;
        line->first = subscription->following;
        if (!line->first)
                line->last = NULL;
        subscription->following = NULL;
        subscription->waits = false;
        return subscription;
}

/* Nobody can be told anything at present: it is looked at again when the stream is up. */
static void pass_over(Subscription *subscription) {
        subscription->shown = SHOWN_NOTHING;
        if (subscription->gone)
                free(subscription);
}

Roster *roster_new(Directory *directory, const char *const *domains) {
        Roster *roster = memory_new(sizeof(*roster));
        Subscription *subscription;

        roster->directory = directory;
        while (domains[roster->count])
                roster->count++;
        roster->streams = memory_new(roster->count * sizeof(*roster->streams));
        for (size_t i = 0; i < roster->count; i++)
                roster->streams[i].domain = text_of(domains[i]);
        while ((subscription = subscriptions_take(directory_subscriptions(directory)))) {
                subscription->fresh = false;
                pass_over(subscription);
        }
        return roster;
}

void roster_free(Roster *roster) {
        Subscription *subscription;

        if (!roster)
                return;
        for (size_t i = 0; i < roster->count; i++)
                roster_down(roster, i);
        while ((subscription = line_take(&roster->ended)))
                pass_over(subscription);
        free(roster->streams);
        free(roster);
}

/* An agent's people stand together, so that its presence is made once for many. */
static void line_up_agent(Stream *stream, size_t domain, const Agent *agent, bool anew) {
        for (Subscription *subscription = agent->subscriptions; subscription; subscription = subscription->next) {
                if (subscription->domain != domain)
                        continue;
                if (anew)
                        subscription->shown = SHOWN_NOTHING;
                if (!subscription->waits)
                        line_add(&stream->line, subscription);
        }
}

static void line_up_all(Roster *roster, size_t domain, bool anew) {
        const Map *all = directory_subscriptions(roster->directory)->by_key;
        const Subscription *subscription;

        for (size_t i = 0; (subscription = map_each(all, &i));)
                if (subscription->domain == domain && !subscription->waits)
                        line_up_agent(&roster->streams[domain], domain, subscription->agent, anew);
}

/* Those whom a change concerned, to the streams over which they are told. */
static void line_up_concerned(Roster *roster) {
        Subscription *subscription;

        while ((subscription = subscriptions_take(directory_subscriptions(roster->directory)))) {
                Stream *stream = &roster->streams[subscription->domain];
                if (stream->up)
                        line_add(&stream->line, subscription);
                else
                        pass_over(subscription);
        }
}

void roster_up(Roster *roster, size_t domain) {
        Stream *stream = &roster->streams[domain];

        line_up_concerned(roster); /* while it counts as down: they are among all that follow */
        stream->up = true;
        stream->leaving = false;
        line_up_all(roster, domain, true);
}

void roster_down(Roster *roster, size_t domain) {
        Stream *stream = &roster->streams[domain];
        Subscription *subscription;

        stream->up = false;
        while ((subscription = line_take(&stream->line)))
                pass_over(subscription);
}

void roster_leave(Roster *roster, size_t domain) {
        Stream *stream = &roster->streams[domain];

        if (!stream->up || stream->leaving)
                return;
        stream->leaving = true;
        line_up_all(roster, domain, false);
}

/* A grant that ends by itself changes no row. */
static void watch_expiry(Roster *roster, Moment now) {
        if (roster->expires_us == 0 || now.wall_us < roster->expires_us)
                return;
        roster->expires_us = 0;
        for (size_t i = 0; i < roster->count; i++)
                if (roster->streams[i].up)
                        line_up_all(roster, i, false);
}

static Text bare_address(const Roster *roster, const Subscription *subscription, Arena *arena) {
        const Agent *agent = subscription->agent;
        const char *local = agent->local ? agent->local : agent->former;
        char address[512];

        if (!local)
                return TEXT_NONE;
        snprintf(address, sizeof(address), "%s@%.*s", local,
                 TEXT_ARGUMENTS(roster->streams[subscription->domain].domain));
        return text_copy(arena, text_of(address));
}

static bool may_see(Roster *roster, const Subscription *subscription, Moment now) {
        const Agent *agent = subscription->agent;
        const Grant *grant = NULL;

        if (subscription->gone || !agent->local)
                return false;
        Jid jid = jid_of_bare(subscription_who(subscription));
        Sender asker = directory_sender(roster->directory, &jid);
        if (directory_agent(roster->directory, &asker, text_of(agent->local), now.wall_us, &grant) != agent)
                return false;
        int64_t expires_us = grant ? grant_expires_us(grant) : 0;
        if (expires_us && (roster->expires_us == 0 || expires_us < roster->expires_us))
                roster->expires_us = expires_us;
        return true;
}

/* In UTC, since who reads it may be anywhere. */
static Text spent_status(const Agent *agent, Arena *arena) {
        time_t until = (time_t) (agent->spent_until_us / SECONDS);
        struct tm calendar;
        char status[64];

        gmtime_r(&until, &calendar);
        strftime(status, sizeof(status), "Over its limit until %Y-%m-%d %H:%M UTC.", &calendar);
        return text_copy(arena, text_of(status));
}

ContactView roster_view(const Agent *agent, Moment now, Arena *arena) {
        bool paused = agent->state == AGENT_PAUSED, spent = !paused && now.wall_us < agent->spent_until_us;

        return (ContactView){
                .seen = true,
                .active = agent->state == AGENT_ACTIVE,
                .busy = spent,
                .name = text_of(agent->display_name),
                .status = paused  ? text_of(agent->pause_reason)
                          : spent ? spent_status(agent, arena)
                                  : TEXT_NONE,
                .note = text_of(agent->description),
                .wall_us = now.wall_us,
                .idle_seconds = agent->concluded_us ? (now.monotonic_us - agent->concluded_us) / SECONDS : 0,
        };
}

static void say_presence(Roster *roster, const Subscription *subscription, Text address, Text who, Moment now,
                         Arena *arena, OutgoingList *list) {
        if (roster->agent == subscription->agent) {
                outgoing_add_again(list, arena, roster->presence, who);
                return;
        }
        ContactView view = roster_view(subscription->agent, now, arena);
        contact_add_presence(list, arena, address, who, &view);
        roster->agent = subscription->agent;
        roster->presence = list->last;
}

/* The subscription is over: by the subscriber's own wish, by the owner's, or because he may not see the agent any more.
 * Then its row is to go too; a deleted agent's went with it. */
static void say_ended(Roster *roster, Subscription *subscription, Text address, Text who, Arena *arena,
                      OutgoingList *list) {
        if (address.length > 0) {
                outgoing_add(list, arena, STANZA_PRESENCE, TYPE_UNSUBSCRIBED, TEXT_NONE, address, who);
                contact_add_absence(list, arena, address, who);
        }
        subscription->shown = SHOWN_ENDED;
        if (!subscription->gone && subscription->agent->local)
                line_add(&roster->ended, subscription);
}

/* Tells one subscriber what he does not know yet; false when there is nothing. */
static bool tell(Roster *roster, Subscription *subscription, Moment now, Arena *arena, OutgoingList *list) {
        bool leaving = roster->streams[subscription->domain].leaving;
        bool sees = may_see(roster, subscription, now);
        uint32_t shown = !sees ? SHOWN_ENDED : leaving ? SHOWN_AWAY : subscription->agent->look;

        if ((subscription->shown == shown && !subscription->fresh) || subscription->shown == SHOWN_ENDED)
                return false;
        Text address = bare_address(roster, subscription, arena);
        Text who = text_copy(arena, subscription_who(subscription));
        if (!sees) {
                say_ended(roster, subscription, address, who, arena, list);
                return true;
        }
        if (subscription->fresh)
                outgoing_add(list, arena, STANZA_PRESENCE, TYPE_SUBSCRIBED, TEXT_NONE, address, who);
        if (leaving)
                contact_add_absence(list, arena, address, who);
        else
                say_presence(roster, subscription, address, who, now, arena, list);
        subscription->fresh = false;
        subscription->shown = shown;
        return true;
}

static void refill(Stream *stream, int64_t now_us) {
        double burst = stream->leaving ? FAREWELL_BURST : BURST;
        double rate = stream->leaving ? FAREWELL_RATE : RATE;

        if (now_us > stream->filled_us)
                stream->tokens += (double) (now_us - stream->filled_us) * rate / SECONDS;
        if (stream->tokens > burst)
                stream->tokens = burst;
        stream->filled_us = now_us;
}

void roster_take(Roster *roster, size_t domain, Moment now, Arena *arena, OutgoingList *list) {
        Stream *stream = &roster->streams[domain];
        Subscription *subscription;

        refill(stream, now.monotonic_us);
        roster->agent = NULL;
        for (int looks = 0; looks < LOOKS_AT_ONCE && stream->tokens >= 1 && !list->incomplete; looks++) {
                subscription = line_take(&stream->line);
                if (!subscription)
                        break;
                if (tell(roster, subscription, now, arena, list))
                        stream->tokens -= 1;
                if (subscription->gone)
                        free(subscription);
        }
}

int64_t roster_due(Roster *roster, size_t domain, Moment now) {
        const Stream *stream = &roster->streams[domain];

        line_up_concerned(roster);
        watch_expiry(roster, now);
        if (!stream->line.first)
                return INT64_MAX;
        double missing = BATCH - stream->tokens, rate = stream->leaving ? FAREWELL_RATE : RATE;
        return missing > 0 ? stream->filled_us + (int64_t) (missing * SECONDS / rate) : stream->filled_us;
}

bool roster_has_ended(const Subscription *subscription) {
        return subscription->shown == SHOWN_ENDED;
}

size_t roster_take_ended(Roster *roster, Arena *arena, Text *ret_agent, Text *ret_people, size_t most) {
        const Subscription *like = NULL;
        Subscription *subscription;
        size_t count = 0;

        while (count < most && (subscription = roster->ended.first) &&
               (!like || (subscription->agent == like->agent && subscription->domain == like->domain))) {
                line_take(&roster->ended);
                if (subscription->gone) {
                        free(subscription);
                        continue;
                }
                if (!like)
                        *ret_agent = bare_address(roster, subscription, arena);
                like = subscription;
                ret_people[count++] = text_copy(arena, subscription_who(subscription));
        }
        return count;
}
