#include "component/doors/subscription.h"

#include "base/map.h"
#include "orchestrator/pipeline.h"

#define WISHES_LIMIT 1024
#define LEAVES_LIMIT 16384 /* who is on it, and wants to go: no more often than he came */
#define AT_ONCE      8
#define RETRY_US     (5 * SECONDS)       /* when the store does not answer */
#define DESK_WAIT_US (50 * MILLISECONDS) /* when the desk is full */

/* Of one person: what a log-in with many agents asks, and a second one. */
static const Rate asking_rate = { .per_minute = 600, .burst = 600 };
/* Changes of mind of one person, and of all of another server. */
static const Rate person_rate = { .per_minute = 30, .burst = 60 };
static const Rate server_rate = { .per_minute = 1200, .burst = 1200 };

/* An operation that the desk was asked for, or will be. */
typedef struct Errand {
        DeskCall call; /* first */
        SubscriptionDoor *door;
        bool waits;   /* for the desk */
        bool running; /* the desk has it */
} Errand;

/* Of one person about one agent. */
typedef struct Wish {
        Errand errand; /* first */
        struct Wish *next;
        bool asked;   /* somebody waits to be told */
        bool wanted;  /* what is to be done, or being done */
        bool changed; /* meanwhile: the opposite afterwards */
        size_t who_length, key_length;
        char key[]; /* who, a blank, agent: both are bare JIDs, which have none */
} Wish;

struct SubscriptionDoor {
        Desk *desk;
        Queue *inbox;
        Meter *asking, *wishing;
        Map *wishes;
        Wish *first, *last; /* those that wait for the desk */
        Wish *disappointed; /* lives until the door is called again */
        Errand ending;
        int running;
        int64_t not_before_us;
};

SubscriptionDoor *subscription_door_new(Desk *desk, Queue *inbox, const char *domains) {
        SubscriptionDoor *door = memory_new(sizeof(*door));

        door->desk = desk;
        door->inbox = inbox;
        door->asking = meter_new(asking_rate, (Rate){ 0 }, domains);
        door->wishing = meter_new(person_rate, server_rate, domains);
        door->wishes = map_new(16);
        door->ending.door = door;
        return door;
}

static void errand_clear(Errand *errand) {
        json_free(errand->call.input);
        json_free(errand->call.result);
        errand->call.input = errand->call.result = NULL;
}

static void wish_free(Wish *wish) {
        if (wish)
                errand_clear(&wish->errand);
        free(wish);
}

void subscription_door_free(SubscriptionDoor *door) {
        Wish *wish;

        if (!door)
                return;
        for (size_t i = 0; (wish = map_each(door->wishes, &i));)
                wish_free(wish);
        wish_free(door->disappointed);
        errand_clear(&door->ending);
        map_free(door->wishes);
        meter_free(door->asking);
        meter_free(door->wishing);
        free(door);
}

/* On a thread of the desk. */
static void come_back(DeskCall *call) {
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_CALL;
        note->call = call;
        if (!queue_offer(((Errand *) call)->door->inbox, &note->item))
                free(note); /* the hub stops */
}

static Text key_in(const Wish *wish) {
        return (Text){ wish->key, wish->key_length };
}

static Text who_of(const Wish *wish) {
        return (Text){ wish->key, wish->who_length };
}

static Text agent_of(const Wish *wish) {
        return (Text){ wish->key + wish->who_length + 1, wish->key_length - wish->who_length - 1 };
}

static Text key_of(Text who, Text agent, TextBuilder *builder) {
        text_add(builder, who);
        text_add_char(builder, ' ');
        text_add(builder, agent);
        return text_built(builder);
}

static void stand_in_line(SubscriptionDoor *door, Wish *wish) {
        wish->errand.waits = true;
        wish->next = NULL;
        if (door->last)
                door->last->next = wish;
        else
                door->first = wish;
        door->last = wish;
}

static Wish *wish_new(SubscriptionDoor *door, Text key, size_t who_length) {
        Wish *wish = memory_new(sizeof(*wish) + key.length);

        memcpy(wish->key, key.bytes, key.length);
        wish->key_length = key.length;
        wish->who_length = who_length;
        wish->errand.door = door;
        map_put(door->wishes, key_in(wish), wish);
        return wish;
}

bool subscription_door_has(const SubscriptionDoor *door, Text who, Text agent) {
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);

        return map_get(door->wishes, key_of(who, agent, &builder)) != NULL;
}

bool subscription_door_hears(SubscriptionDoor *door, Moment now, const Jid *who) {
        int64_t opens_us;

        return meter_take(door->asking, who, now.monotonic_us, &opens_us);
}

bool subscription_door_wish(SubscriptionDoor *door, Moment now, const Jid *who, Text agent, WishKind kind) {
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
        Text key = key_of(who->bare, agent, &builder);
        Wish *wish = map_get(door->wishes, key);
        bool wanted = kind != WISH_END;
        int64_t opens_us;

        if (!wish && map_count(door->wishes) >= (wanted ? WISHES_LIMIT : LEAVES_LIMIT))
                return false;
        if (wanted && !meter_take(door->wishing, who, now.monotonic_us, &opens_us))
                return false;
        if (!wish) {
                wish = wish_new(door, key, who->bare.length);
                stand_in_line(door, wish);
        }
        wish->asked |= kind == WISH_BEGIN;
        if (wish->errand.running)
                wish->changed = wanted != wish->wanted;
        else
                wish->wanted = wanted;
        return true;
}

static bool give_to_desk(Errand *errand, const char *operation, const Caller *caller) {
        errand->call.operation = operation_find(text_of(operation));
        errand->call.caller = *caller;
        errand->call.done = come_back;
        errand->running = desk_submit(errand->door->desk, &errand->call);
        errand->waits = !errand->running;
        return errand->running;
}

static bool begin_wish(Wish *wish) {
        const Caller caller = { .principal = who_of(wish), .door = "presence" };

        if (!wish->errand.call.input) {
                wish->errand.call.input = json_new_object();
                json_put_text(wish->errand.call.input, "agent", agent_of(wish));
        }
        return give_to_desk(&wish->errand, wish->wanted ? "subscription-add" : "subscription-remove", &caller);
}

static bool begin_ending(SubscriptionDoor *door) {
        const Caller caller = { .principal = TEXT("hub"), .platform = true, .door = "presence" };

        return give_to_desk(&door->ending, "subscription-remove", &caller);
}

void subscription_door_run(SubscriptionDoor *door, Moment now) {
        bool room = now.monotonic_us >= door->not_before_us;

        while (room && door->first && door->running < AT_ONCE) {
                Wish *wish = door->first;
                room = begin_wish(wish);
                if (!room)
                        break;
                door->first = wish->next;
                if (!door->first)
                        door->last = NULL;
                door->running++;
        }
        if (room && door->ending.waits)
                room = begin_ending(door);
        if (!room && now.monotonic_us >= door->not_before_us)
                door->not_before_us = now.monotonic_us + DESK_WAIT_US;
}

int64_t subscription_door_wake(const SubscriptionDoor *door) {
        bool wants = (door->first && door->running < AT_ONCE) || door->ending.waits;

        return wants ? door->not_before_us : INT64_MAX;
}

bool subscription_door_may_end(const SubscriptionDoor *door) {
        return !door->ending.waits && !door->ending.running;
}

void subscription_door_end(SubscriptionDoor *door, Text agent, const Text *people, size_t count) {
        Json *list = json_new_array();

        for (size_t i = 0; i < count; i++)
                json_append(list, json_new_text(people[i]));
        errand_clear(&door->ending);
        door->ending.call.input = json_new_object();
        json_put_text(door->ending.call.input, "agent", agent);
        json_put(door->ending.call.input, "who", list);
        door->ending.waits = true;
}

/* What the store could not be asked is asked again: somebody was told already that it is so. */
static bool must_be_repeated(FailureKind failure) {
        return failure == FAILURE_UNAVAILABLE || failure == FAILURE_TIMED_OUT;
}

static void ending_done(SubscriptionDoor *door, Moment now) {
        door->ending.running = false;
        if (must_be_repeated(door->ending.call.failure.kind)) {
                door->ending.waits = true;
                door->not_before_us = now.monotonic_us + RETRY_US;
        }
}

bool subscription_door_done(SubscriptionDoor *door, Moment now, DeskCall *call, Disappointment *ret_disappointment) {
        FailureKind failure = call->failure.kind;
        Wish *wish = (Wish *) call;

        wish_free(door->disappointed);
        door->disappointed = NULL;
        if (call == &door->ending.call) {
                ending_done(door, now);
                return false;
        }
        door->running--;
        wish->errand.running = false;
        json_free(call->result);
        call->result = NULL;
        if (wish->changed || (!wish->wanted && must_be_repeated(failure))) {
                wish->wanted ^= wish->changed;
                if (!wish->changed)
                        door->not_before_us = now.monotonic_us + RETRY_US;
                wish->changed = false;
                stand_in_line(door, wish);
                return false;
        }
        map_remove(door->wishes, key_in(wish));
        door->disappointed = wish;
        *ret_disappointment = (Disappointment){ who_of(wish), agent_of(wish), failure };
        return wish->asked && wish->wanted && failure != FAILURE_NONE;
}
