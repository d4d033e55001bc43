#include "orchestrator/directory/budgets.h"

#include "orchestrator/directory/directory_state.h"
#include "orchestrator/models/model.h"

/* One agent and one limit. */
typedef struct SpentKey {
        Uuid agent_id, limit_id;
} SpentKey;

struct SpentLimit {
        SpentKey key;
        LimitWhat what;
        int64_t window_us, amount;
        Moment until; /* a budget by the wall clock, a rate by the monotonic one */
        bool shows;   /* it concerns whoever writes to the agent */
        char sentence[];
};

BudgetParties directory_parties(const Sender *sender, const Agent *agent, const Grant *grant) {
        return (BudgetParties){
                .tenant_id = agent->tenant_id,
                .agent_id = agent->id,
                .account_id = sender->account ? account_id(sender->account) : (Uuid){ { 0 } },
                .grant_id = grant ? grant->id : (Uuid){ { 0 } },
                .domain = sender->account ? TEXT_NONE : sender->domain,
        };
}

static const struct {
        int64_t window_us;
        BudgetWindow window;
} windows[] = {
        { LIMIT_MINUTE_US, BUDGET_MINUTE },
        { LIMIT_DAY_US, BUDGET_DAY },
        { LIMIT_MONTH_US, BUDGET_MONTH },
};

static const BudgetSubject subjects[LIMIT_SUBJECT_COUNT] = {
        [LIMIT_OF_INSTALLATION] = BUDGET_OF_INSTALLATION,
        [LIMIT_OF_PLAN] = BUDGET_OF_TENANT,
        [LIMIT_OF_TENANT] = BUDGET_OF_TENANT,
        [LIMIT_OF_ACCOUNT] = BUDGET_OF_ACCOUNT,
        [LIMIT_OF_AGENT] = BUDGET_OF_AGENT,
        [LIMIT_OF_GRANT] = BUDGET_OF_GRANT,
        [LIMIT_OF_DOMAIN] = BUDGET_OF_DOMAIN,
};

static bool budget_of(const Limit *limit, Budget *ret_budget) {
        if (limit->what != LIMIT_TOKENS && limit->what != LIMIT_MONEY_NANO)
                return false;
        for (size_t i = 0; i < COUNT_OF(windows); i++)
                if (windows[i].window_us == limit->window_us) {
                        *ret_budget = (Budget){ subjects[limit->subject],
                                                limit->what == LIMIT_TOKENS ? BUDGET_TOKENS : BUDGET_MONEY,
                                                windows[i].window, limit->amount };
                        return true;
                }
        return false;
}

static void lists_of(Directory *directory, const BudgetParties *parties, Limit *ret_lists[static LIMIT_LISTS]) {
        const Tenant *tenant = map_get(directory->tenants, MAP_KEY(parties->tenant_id));
        const Account *account = uuid_is_zero(parties->account_id)
                                         ? NULL
                                         : map_get(directory->accounts, MAP_KEY(parties->account_id));
        const Agent *agent = map_get(directory->agents, MAP_KEY(parties->agent_id));
        const Grant *grant = uuid_is_zero(parties->grant_id) ? NULL
                                                             : map_get(directory->grants, MAP_KEY(parties->grant_id));
        const DomainLimits *domain = parties->domain.length ? map_get(directory->domain_limits, parties->domain) : NULL;

        ret_lists[LIMIT_OF_INSTALLATION] = directory->limits;
        ret_lists[LIMIT_OF_PLAN] = tenant ? tenant->plan_limits : NULL;
        ret_lists[LIMIT_OF_TENANT] = tenant ? tenant->limits : NULL;
        ret_lists[LIMIT_OF_ACCOUNT] = account ? account->limits : NULL;
        ret_lists[LIMIT_OF_AGENT] = agent ? agent->limits : NULL;
        ret_lists[LIMIT_OF_GRANT] = grant ? grant->limits : NULL;
        ret_lists[LIMIT_OF_DOMAIN] = domain ? domain->limits : NULL;
}

/* The budgets of all lists, one after the other: start with { 0 }. */
typedef struct BudgetWalk {
        Limit *lists[LIMIT_LISTS];
        size_t list;
        Limit *limit; /* the one that was given last */
} BudgetWalk;

static bool walk_next(BudgetWalk *walk, Budget *ret_budget) {
        Limit *limit = walk->limit ? walk->limit->next : walk->lists[walk->list];

        for (;;) {
                for (; limit; limit = limit->next)
                        if (budget_of(limit, ret_budget)) {
                                walk->limit = limit;
                                return true;
                        }
                if (++walk->list >= LIMIT_LISTS)
                        return false;
                limit = walk->lists[walk->list];
        }
}

static BudgetWalk walk_of(Directory *directory, const BudgetParties *parties) {
        BudgetWalk walk = { 0 };

        lists_of(directory, parties, walk.lists);
        return walk;
}

bool directory_budgets(Directory *directory, const BudgetParties *parties, Arena *arena, Budget **ret_budgets,
                       size_t *ret_count) {
        BudgetWalk walk = walk_of(directory, parties), again = walk;
        Budget budget;
        size_t count = 0;

        while (walk_next(&walk, &budget))
                count++;
        *ret_count = 0;
        *ret_budgets = count ? arena_take_array(arena, Budget, count) : NULL;
        if (count && !*ret_budgets)
                return false;
        while (*ret_count < count && walk_next(&again, &(*ret_budgets)[*ret_count]))
                ++*ret_count;
        return true;
}

static bool uses_tokens(const Agent *agent) {
        return !agent->model || !model_is_built_in(text_of(agent->model));
}

bool directory_counts_tokens(Directory *directory, const BudgetParties *parties) {
        BudgetWalk walk = walk_of(directory, parties);
        Budget budget;

        while (walk_next(&walk, &budget))
                if (budget.unit == BUDGET_TOKENS)
                        return true;
        return false;
}

static bool is_of_everybody(LimitSubject subject) {
        return subject == LIMIT_OF_INSTALLATION || subject == LIMIT_OF_PLAN || subject == LIMIT_OF_TENANT ||
               subject == LIMIT_OF_AGENT;
}

static bool is_same_limit(const struct SpentLimit *spent, const Limit *limit) {
        return spent->what == limit->what && spent->window_us == limit->window_us && spent->amount == limit->amount;
}

static bool same_budget(const Budget *one, const Budget *other) {
        return one->subject == other->subject && one->unit == other->unit && one->window == other->window &&
               one->amount == other->amount;
}

/* The agent shows until when it is over a limit: of several the one that is over last. */
static void put_spent(Directory *directory, Agent *agent, const Limit *limit, Moment until, Text sentence) {
        SpentKey key = { agent->id, limit->id };
        struct SpentLimit *spent = map_get(directory->spent, MAP_KEY(key));

        if (spent)
                return;
        spent = memory_new(sizeof(*spent) + sentence.length + 1);
        *spent = (struct SpentLimit){ .key = key,
                                      .what = limit->what,
                                      .window_us = limit->window_us,
                                      .amount = limit->amount,
                                      .until = until,
                                      .shows = is_of_everybody(limit->subject) };
        if (sentence.length)
                memcpy(spent->sentence, sentence.bytes, sentence.length);
        map_put(directory->spent, MAP_KEY(spent->key), spent);
        if (!spent->shows || until.wall_us <= agent->spent_until_us)
                return;
        agent->spent_until_us = until.wall_us;
        directory_renew_look(directory, agent);
}

void directory_spend(Directory *directory, const BudgetParties *parties, const Budget *budget, int64_t until_us,
                     Text sentence) {
        BudgetWalk walk = walk_of(directory, parties);
        Agent *agent = map_get(directory->agents, MAP_KEY(parties->agent_id));
        Budget each;

        while (agent && walk_next(&walk, &each))
                if (same_budget(&each, budget))
                        put_spent(directory, agent, walk.limit, (Moment){ .wall_us = until_us }, sentence);
}

void directory_exhaust(Directory *directory, Agent *agent, const LimitVerdict *verdict, Moment until) {
        const BudgetParties parties = { .tenant_id = agent->tenant_id, .agent_id = agent->id };
        Limit *lists[LIMIT_LISTS];

        if (!is_of_everybody(verdict->subject))
                return;
        lists_of(directory, &parties, lists);
        for (const Limit *limit = lists[verdict->subject]; limit; limit = limit->next)
                if (limit->what == verdict->what && limit->window_us == verdict->window_us)
                        put_spent(directory, agent, limit, until, TEXT_NONE);
}

const Limit *directory_near(Directory *directory, const BudgetParties *parties, const Budget *budget, int64_t ends_us) {
        BudgetWalk walk = walk_of(directory, parties);
        Budget each;

        while (walk_next(&walk, &each))
                if (same_budget(&each, budget) && walk.limit->quiet_us < ends_us) {
                        walk.limit->quiet_us = ends_us;
                        return walk.limit;
                }
        return NULL;
}

const char *directory_spent(Directory *directory, const BudgetParties *parties, int64_t wall_us) {
        if (map_count(directory->spent) == 0)
                return NULL;
        BudgetWalk walk = walk_of(directory, parties);
        Budget budget;

        while (walk_next(&walk, &budget)) {
                SpentKey key = { parties->agent_id, walk.limit->id };
                const struct SpentLimit *spent = map_get(directory->spent, MAP_KEY(key));
                if (spent && is_same_limit(spent, walk.limit) && wall_us < spent->until.wall_us)
                        return spent->sentence;
        }
        return NULL;
}

bool directory_needs_cache(Directory *directory, const Agent *agent, const BudgetParties *parties,
                           BudgetUnit *ret_unit) {
        *ret_unit = agent->priced ? BUDGET_MONEY : BUDGET_TOKENS;
        return agent->priced || (uses_tokens(agent) && directory_counts_tokens(directory, parties));
}

/* A model that has become free spends no money, and one without a provider nothing. */
static bool still_spent(Directory *directory, const struct SpentLimit *spent, Moment now) {
        const Limit *limit = directory_limit(directory, spent->key.limit_id);
        const Agent *agent = map_get(directory->agents, MAP_KEY(spent->key.agent_id));
        Budget budget;

        if (!limit || !agent || !is_same_limit(spent, limit))
                return false;
        if (!budget_of(limit, &budget))
                return now.monotonic_us < spent->until.monotonic_us;
        return now.wall_us < spent->until.wall_us &&
               (agent->priced || (budget.unit == BUDGET_TOKENS && uses_tokens(agent)));
}

/* An agent of which something is over, and what it has shown. */
typedef struct Renewed {
        Agent *agent;
        int64_t shown_us;
} Renewed;

/* What is over goes. Agents that showed something of theirs show nothing for the moment. */
static size_t remove_over(Directory *directory, Moment now, Renewed *renewed) {
        struct SpentLimit *spent;
        size_t count = 0;

        for (size_t i = 0; (spent = map_each(directory->spent, &i));) {
                if (still_spent(directory, spent, now))
                        continue;
                Agent *agent = map_get(directory->agents, MAP_KEY(spent->key.agent_id));
                map_remove(directory->spent, MAP_KEY(spent->key));
                free(spent);
                if (!agent || agent->spent_until_us == 0)
                        continue;
                renewed[count++] = (Renewed){ agent, agent->spent_until_us };
                agent->spent_until_us = 0;
        }
        return count;
}

/* Windows of many agents end at once: what is left is looked through once for all of them. */
void directory_renew_spent(Directory *directory, Moment now) {
        const struct SpentLimit *spent;

        if (map_count(directory->spent) == 0)
                return;
        Renewed *renewed = memory_new(sizeof(*renewed) * map_count(directory->spent));
        size_t count = remove_over(directory, now, renewed);
        for (size_t i = 0; count && (spent = map_each(directory->spent, &i));) {
                Agent *agent = map_get(directory->agents, MAP_KEY(spent->key.agent_id));
                if (agent && spent->shows && spent->until.wall_us > agent->spent_until_us)
                        agent->spent_until_us = spent->until.wall_us;
        }
        for (size_t i = 0; i < count; i++)
                if (renewed[i].agent->spent_until_us != renewed[i].shown_us)
                        directory_renew_look(directory, renewed[i].agent);
        free(renewed);
}

void directory_close_budgets(Directory *directory) {
        struct SpentLimit *spent;

        for (size_t i = 0; (spent = map_each(directory->spent, &i));)
                free(spent);
        map_free(directory->spent);
}
