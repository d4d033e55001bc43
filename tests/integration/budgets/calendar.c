#include "base/map.h"
#include "store/cache/budget.h"
#include "store/windows.h"
#include "tests/integration/budgets/rig.h"

#include <stdio.h>

#define DAY_US (86400 * SECONDS)

static int64_t moment(const char *utc) {
        struct tm parts = { 0 };
        ck_assert_msg(strptime(utc, "%Y-%m-%d %H:%M", &parts) != NULL, "%s", utc);
        return (int64_t) timegm(&parts) * SECONDS;
}

static const struct {
        const char *zone;
        int32_t billing_day;
        const char *at, *day, *next_day, *month, *next_month; /* UTC */
} calendars[] = {
        /* The night in which clocks go back: 25 hours; and forward: 23. */
        { "Europe/Berlin", 1, "2026-10-25 12:00", "2026-10-24 22:00", "2026-10-25 23:00", "2026-09-30 22:00",
          "2026-10-31 23:00" },
        { "Europe/Berlin", 1, "2026-10-25 00:30", "2026-10-24 22:00", "2026-10-25 23:00", "2026-09-30 22:00",
          "2026-10-31 23:00" },
        { "Europe/Berlin", 1, "2026-10-24 21:59", "2026-10-23 22:00", "2026-10-24 22:00", "2026-09-30 22:00",
          "2026-10-31 23:00" },
        { "Europe/Berlin", 29, "2026-03-29 12:00", "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-28 23:00",
          "2026-04-28 22:00" },
        { "Europe/Berlin", 1, "2026-03-29 22:00", "2026-03-29 22:00", "2026-03-30 22:00", "2026-02-28 23:00",
          "2026-03-31 22:00" },
        /* Midnight comes twice, and not at all. */
        { "Atlantic/Azores", 1, "2026-10-25 00:30", "2026-10-25 00:00", "2026-10-26 01:00", "2026-10-01 00:00",
          "2026-11-01 01:00" },
        { "Atlantic/Azores", 1, "2026-10-25 01:30", "2026-10-25 00:00", "2026-10-26 01:00", "2026-10-01 00:00",
          "2026-11-01 01:00" },
        { "America/Santiago", 1, "2026-09-06 12:00", "2026-09-06 04:00", "2026-09-07 03:00", "2026-09-01 04:00",
          "2026-10-01 03:00" },
        /* A billing day that some months have not. */
        { "UTC", 31, "2026-02-15 00:00", "2026-02-15 00:00", "2026-02-16 00:00", "2026-01-31 00:00",
          "2026-02-28 00:00" },
        { "UTC", 31, "2026-02-28 12:00", "2026-02-28 00:00", "2026-03-01 00:00", "2026-02-28 00:00",
          "2026-03-31 00:00" },
        { "UTC", 31, "2028-02-29 12:00", "2028-02-29 00:00", "2028-03-01 00:00", "2028-02-29 00:00",
          "2028-03-31 00:00" },
        { "UTC", 31, "2026-04-29 23:59", "2026-04-29 00:00", "2026-04-30 00:00", "2026-03-31 00:00",
          "2026-04-30 00:00" },
        { "UTC", 15, "2026-01-03 10:00", "2026-01-03 00:00", "2026-01-04 00:00", "2025-12-15 00:00",
          "2026-01-15 00:00" },
        { "", 0, "2026-01-03 10:00", "2026-01-03 00:00", "2026-01-04 00:00", "2026-01-01 00:00", "2026-02-01 00:00" },
        { "Nowhere/At all", 1, "2026-01-03 10:00", "2026-01-03 00:00", "2026-01-04 00:00", "2026-01-01 00:00",
          "2026-02-01 00:00" },
};

START_TEST(days_and_billing_months_are_those_of_the_zone_also_when_clocks_change) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(windows_freep) Windows *windows = windows_new(database);
        place_clean(database);
        for (int round = 0; round < 2; round++) /* computed, and kept */
                for (size_t i = 0; i < COUNT_OF(calendars); i++) {
                        Calendar calendar;
                        Failure failure;
                        ck_assert_done(windows_at(windows, text_of(calendars[i].zone), calendars[i].billing_day,
                                                  moment(calendars[i].at), &calendar, &failure),
                                       failure);
                        const int64_t found[] = { calendar.begins_us[BUDGET_DAY], calendar.ends_us[BUDGET_DAY],
                                                  calendar.begins_us[BUDGET_MONTH], calendar.ends_us[BUDGET_MONTH] };
                        const char *const wanted[] = { calendars[i].day, calendars[i].next_day, calendars[i].month,
                                                       calendars[i].next_month };
                        for (size_t k = 0; k < COUNT_OF(wanted); k++)
                                ck_assert_msg(found[k] == moment(wanted[k]), "%s at %s: bound %zu is %lld s after %s",
                                              calendars[i].zone, calendars[i].at, k,
                                              (long long) ((found[k] - moment(wanted[k])) / SECONDS), wanted[k]);
                }
}
END_TEST

START_TEST(billing_day_that_is_none_is_refused) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(windows_freep) Windows *windows = windows_new(database);
        Calendar calendar;
        Failure failure;
        place_clean(database);
        for (int32_t day = 32; day > -2; day -= 33) {
                ck_assert(!windows_at(windows, TEXT("UTC"), day, moment("2026-01-03 10:00"), &calendar, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
}
END_TEST

/* Redis, with a generation that a test made. */
typedef struct Bare {
        BudgetCache *cache;
        BudgetProbe probe;
        char generation[BUDGET_GENERATION_SIZE];
} Bare;

static void bare_open(Rig *rig, Bare *bare) {
        Failure failure;
        BudgetReply reply;
        ck_assert_done(budget_cache_new(&(BudgetCacheSettings){ .address = rig->address }, &bare->cache, &failure),
                       failure);
        ck_assert_done(budget_cache_probe(bare->cache, &bare->probe, &failure), failure);
        snprintf(bare->generation, sizeof(bare->generation), "%s:test", bare->probe.run_id);
        ck_assert_done(budget_cache_lock(bare->cache, bare->generation, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
}

static BudgetCalendars around(int64_t now_us, int64_t day_us) {
        const BudgetCalendar calendar = { .begins_us = { 0, now_us + day_us, now_us - 20 * DAY_US },
                                          .ends_us = { 0, now_us + day_us + DAY_US, now_us + 10 * DAY_US } };
        return (BudgetCalendars){ calendar, calendar };
}

START_TEST(window_is_opened_once_whatever_clocks_do) {
        Rig rig;
        Bare bare = { 0 };
        Failure failure;
        BudgetReply reply;
        char account[BUDGET_ACCOUNT_SIZE];
        rig_open(&rig);
        bare_open(&rig, &bare);
        const Budget budget = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 100 };
        BudgetAsk ask = { .message_id = rig_id(&rig),
                          .ordinal = 1,
                          .owner = "1 hub",
                          .parties = &rig.parties,
                          .budgets = &budget,
                          .budget_count = 1,
                          .least = money(20),
                          .most = money(20) };
        int64_t now_us = bare.probe.now_us;
        /* Redis' clock had gone forward, opened tomorrow, spent 90 of it, and went back. */
        const BudgetAccount sums = { .spent = { money(90), money(90), money(90) },
                                     .ends_us = { now_us - 1, now_us + 2 * DAY_US, now_us + 2 * DAY_US } };
        BudgetCalendars today = around(now_us, -DAY_US / 2), yesterday = around(now_us, -2 * DAY_US);
        ck_assert(budget_account(BUDGET_OF_TENANT, &rig.parties, account));
        ck_assert_done(budget_cache_seed(bare.cache, bare.generation, account, &sums, &reply, &failure), failure);
        ck_assert_done(budget_cache_open(bare.cache, bare.generation, &reply, &failure), failure);
        ck_assert_done(budget_cache_reserve(bare.cache, bare.generation, &today, &ask, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_REFUSED);
        ck_assert_int_eq(reply.spent, 90);
        ck_assert_int_eq(reply.ends_us, sums.ends_us[BUDGET_DAY]);
        ck_assert_done(budget_cache_reserve(bare.cache, bare.generation, &yesterday, &ask, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_OUTSIDE); /* this hub's clock is wrong, and it is told */
        ck_assert_int_ge(reply.now_us, now_us);
        const Budget minute = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_MINUTE, 100 };
        ask.budgets = &minute; /* that one is over */
        ck_assert_done(budget_cache_reserve(bare.cache, bare.generation, &today, &ask, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        ck_assert_int_eq(reply.spent, 0);
        budget_cache_free(bare.cache);
        rig_close(&rig);
}
END_TEST

START_TEST(scripts_that_were_flushed_are_loaded_again_and_a_strangers_generation_is_closed) {
        Rig rig;
        Bare bare = { 0 };
        Failure failure;
        BudgetReply reply;
        rig_open(&rig);
        bare_open(&rig, &bare);
        redis_do(&rig, "script flush");
        ck_assert_done(budget_cache_open(bare.cache, bare.generation, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        bare.generation[0] = bare.generation[0] == 'a' ? 'b' : 'a'; /* of another server */
        ck_assert_done(budget_cache_release(bare.cache, bare.generation, rig_id(&rig), 1, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_CLOSED);
        budget_cache_free(bare.cache);
        rig_close(&rig);
}
END_TEST

/* What hubs of the version before have written, and read: the bytes must mean the same on either side. */
static void write_as_before(Rig *rig, const Bare *bare, const char *message) {
        char command[900];
        snprintf(command, sizeof(command),
                 "eval \"local P, e = 'budget:test:', %lld "
                 "redis.call('HSET', P .. 'accounts', 'i', cmsgpack.pack({30, 40, e, e, e, 1, 2, 3, 4, 5, 6})) "
                 "redis.call('HSET', P .. 'messages', '%s', cmsgpack.pack({a = {'i'}, z = '1 UTC', s = {7, 8}, "
                 "c = {{2, 'h', 10, 20, '1 hub'}, {3, 's', 20, 20, '1 hub'}}})) "
                 "redis.call('ZADD', P .. 'open', %lld, '%s') return 1\" 0",
                 (long long) (bare->probe.now_us + DAY_US), message, (long long) bare->probe.now_us, message);
        redis_do(rig, command);
}

START_TEST(what_stands_in_the_cache_is_what_hubs_of_the_version_before_read_and_write) {
        Rig rig;
        Bare bare = { 0 };
        Failure failure;
        BudgetReply reply;
        BudgetAccount account;
        Uuid id;
        rig_open(&rig);
        bare_open(&rig, &bare);
        BudgetCalendars today = around(bare.probe.now_us, -DAY_US / 2);
        ck_assert_done(budget_cache_open(bare.cache, bare.generation, &reply, &failure), failure);
        memcpy(id.bytes, "sixteen bytes id", sizeof(id.bytes));
        write_as_before(&rig, &bare, "sixteen bytes id");
        ck_assert_done(budget_cache_sent(bare.cache, bare.generation, id, 2, "1 hub", &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        redis_says(&rig,
                   "eval \"local r = cmsgpack.unpack(redis.call('HGET', 'budget:test:messages', 'sixteen bytes id')) "
                   "return cjson.encode({r.a, r.z, r.s, r.c})\" 0",
                   "[[\"i\"],\"1 UTC\",[7,8],[[2,\"s\",10,20,\"1 hub\"],[3,\"s\",20,20,\"1 hub\"]]]");
        ck_assert_done(budget_cache_settle(bare.cache, bare.generation, &today, id, 3, (BudgetAmounts){ { 17, 28 } },
                                           &reply, &failure),
                       failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        ck_assert_done(budget_cache_look(bare.cache, bare.generation, "i", &account, &reply, &failure), failure);
        ck_assert_int_eq(account.held.units[BUDGET_MONEY], 20);
        ck_assert_int_eq(account.spent[BUDGET_DAY].units[BUDGET_TOKENS], 24);
        redis_says(&rig,
                   "eval \"local a = cmsgpack.unpack(redis.call('HGET', 'budget:test:accounts', 'i')) "
                   "return cjson.encode({a[1], a[2], a[6], a[7], a[8], a[9], a[10], a[11], #a})\" 0",
                   "[20,20,11,22,13,24,15,26,11]");
        budget_cache_free(bare.cache);
        rig_close(&rig);
}
END_TEST

START_TEST(nobody_tells_a_generation_any_more_while_its_ledger_is_read) {
        Rig rig;
        Bare bare = { 0 };
        Failure failure;
        BudgetReply reply;
        rig_open(&rig);
        bare_open(&rig, &bare);
        BudgetOpen open = { .message_id = rig_id(&rig),
                            .calls = { { .ordinal = 1, .bound = money(5), .owner = "1 late" } },
                            .call_count = 1 };
        ck_assert_done(budget_cache_join(bare.cache, bare.generation, &rig.parties, &open, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        ck_assert_done(budget_cache_joined(bare.cache, bare.generation, "", &reply, &failure), failure);
        open.message_id = rig_id(&rig);
        ck_assert_done(budget_cache_join(bare.cache, bare.generation, &rig.parties, &open, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_CLOSED);
        ck_assert_done(budget_cache_joined(bare.cache, bare.generation, "1 late", &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_CLOSED);
        open.calls[0].owner[0] = '\0'; /* the builder's, of what nobody told */
        ck_assert_done(budget_cache_join(bare.cache, bare.generation, &rig.parties, &open, &reply, &failure), failure);
        ck_assert_int_eq(reply.answer, BUDGET_DONE);
        budget_cache_free(bare.cache);
        rig_close(&rig);
}
END_TEST

START_TEST(account_whose_windows_are_long_over_is_forgotten_unless_something_is_held_of_it) {
        Rig rig;
        rig_open(&rig);
        Budgets *first = rig_hub(&rig, "one");
        await_state(first, BUDGETS_OPEN);
        redis_do(&rig, "eval \"local P = 'budget:' .. string.sub(redis.call('GET', 'budget:generation'), 42) "
                       "local now, hour = redis.call('TIME')[1] * 1000000, 3600000000 "
                       "local function put(name, held, tokens, minute, day, month) "
                       "redis.call('HSET', P .. ':accounts', name, cmsgpack.pack({held, tokens, now + minute * hour, "
                       "now + day * hour, now + month * hour, 1, 1, 1, 1, 1, 1})) end "
                       "for i = 1, 1000 do put('a' .. i, 0, 0, -900, -800, -25) end "
                       "put('held', 1, 0, -900, -800, -25) put('tokens', 0, 1, -900, -800, -25) "
                       "put('month', 0, 0, -900, -800, 1) put('lately', 0, 0, -900, -800, -23) return 1\" 0");
        Budgets *second = rig_hub(&rig, "two"); /* looks when it comes, and every hour */
        redis_says(&rig,
                   "eval \"local P = 'budget:' .. string.sub(redis.call('GET', 'budget:generation'), 42) "
                   "local names = redis.call('HKEYS', P .. ':accounts') table.sort(names) "
                   "return table.concat(names, ' ', 1, math.min(#names, 9))\" 0",
                   "held lately month tokens");
        budgets_free(first);
        budgets_free(second);
        rig_close(&rig);
}
END_TEST

START_TEST(ledger_is_summed_up_by_window_and_by_party) {
        Rig rig;
        BudgetLook look;
        Failure failure;
        rig_open(&rig);
        for (int i = 0; i < 3; i++)
                ledger_conclude(&rig, rig_id(&rig), 10, "now()");
        ledger_conclude(&rig, rig_id(&rig), 200, "date_trunc('day', now()) - interval '1 second'");
        ledger_conclude(&rig, rig_id(&rig), 4000, "date_trunc('month', now()) - interval '1 second'");
        BudgetParties other = rig.parties; /* another agent of the same tenant */
        rig.parties.agent_id = rig_id(&rig);
        ledger_conclude(&rig, rig_id(&rig), 50000, "now()");
        Budgets *hub = rig_hub(&rig, "one");
        await_state(hub, BUDGETS_OPEN);
        bool first = atol(place_ask("SELECT extract(day FROM now())::integer")) == 1;
        ck_assert_int_eq(spent(hub, &rig, BUDGET_DAY), 50030);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), first ? 50030 : 50230);
        ck_assert_done(budgets_look(hub, BUDGET_OF_AGENT, &other, TEXT_NONE, 0, &look, &failure), failure);
        ck_assert_int_eq(look.spent[BUDGET_DAY].units[BUDGET_MONEY], 30);
        ck_assert_done(budgets_look(hub, BUDGET_OF_INSTALLATION, &other, TEXT_NONE, 0, &look, &failure), failure);
        ck_assert_int_eq(look.spent[BUDGET_DAY].units[BUDGET_MONEY], 50030);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

UNIT_TESTS("budgets/calendar", days_and_billing_months_are_those_of_the_zone_also_when_clocks_change,
           billing_day_that_is_none_is_refused, window_is_opened_once_whatever_clocks_do,
           scripts_that_were_flushed_are_loaded_again_and_a_strangers_generation_is_closed,
           what_stands_in_the_cache_is_what_hubs_of_the_version_before_read_and_write,
           nobody_tells_a_generation_any_more_while_its_ledger_is_read,
           account_whose_windows_are_long_over_is_forgotten_unless_something_is_held_of_it,
           ledger_is_summed_up_by_window_and_by_party)
