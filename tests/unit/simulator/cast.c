/* The cast: tenants, agents and accounts, what the directory of a hub is told about them, and, worked out apart from
 * the directory, who may talk to whom. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>
#include <stdio.h>

/* A token costs so much, whole numbers, so that two ways of adding up agree. */
#define PROMPT_NANO     1000
#define COMPLETION_NANO 5000

static const char *const slugs[] = { "installation", "acme", "zeta" };
typedef struct AgentRow {
        const char *name;
        int tenant, owner;
        Visibility visibility;
        bool priced, tools;
        int32_t max_tokens;
} AgentRow;

static const AgentRow agent_rows[AGENTS] = {
        { "guide", 0, 0, VISIBILITY_PUBLIC, false, false, 200 }, { "shop", 0, 0, VISIBILITY_PUBLIC, true, true, 100 },
        { "desk", 1, 0, VISIBILITY_TENANT, true, true, 300 },    { "diary", 1, 1, VISIBILITY_PRIVATE, false, true, 50 },
        { "press", 1, 2, VISIBILITY_SHARED, true, false, 400 },  { "front", 1, 0, VISIBILITY_PUBLIC, true, true, 150 },
        { "echo", 1, 3, VISIBILITY_TENANT, false, false, 100 },  { "desk", 2, 5, VISIBILITY_TENANT, true, true, 300 },
        { "diary", 2, 6, VISIBILITY_PRIVATE, true, true, 50 },   { "press", 2, 7, VISIBILITY_SHARED, false, true, 400 },
        { "front", 2, 5, VISIBILITY_PUBLIC, false, true, 150 },  { "echo", 2, 8, VISIBILITY_TENANT, true, false, 100 },
};

/* Shared agents: account 10, and everybody at far.example for the second tenant's. */
static bool has_grant(int account, int agent) {
        return account == 10 || (agent_rows[agent].tenant == 2 && account >= 13);
}

bool cast_may_talk(const Simulation *simulation, int account, int agent) {
        const CastAccount *asker = &simulation->cast.accounts[account];
        const AgentRow *row = &agent_rows[agent];

        if (asker->suspended)
                return false;
        if (row->visibility == VISIBILITY_PUBLIC || row->owner == account)
                return true;
        if (row->visibility == VISIBILITY_TENANT)
                return asker->tenant == row->tenant;
        return row->visibility == VISIBILITY_SHARED && has_grant(account, agent);
}

static DirectoryChange *change_add(Cast *cast, DirectoryKind kind, Uuid id) {
        assert(cast->change_count < COUNT_OF(cast->changes));
        DirectoryChange *change = &cast->changes[cast->change_count++];
        *change = (DirectoryChange){ .kind = kind, .id = id };
        return change;
}

static DirectoryChange *change_agent(Cast *cast, int agent) {
        const AgentRow *row = &agent_rows[agent];
        const CastAgent *each = &cast->agents[agent];
        DirectoryChange *change = change_add(cast, DIRECTORY_AGENT, each->version.agent_id);

        change->tenant_id = cast->tenants[row->tenant];
        change->name = text_of(row->name);
        change->version_id = each->version.id;
        change->owner_id = run_uuid('o', (uint64_t) row->owner);
        change->owner = each->version.owner;
        change->visibility = row->visibility;
        change->state = each->paused ? AGENT_PAUSED : AGENT_ACTIVE;
        change->pause_reason = each->paused ? TEXT("back soon") : TEXT_NONE;
        change->priced = row->priced;
        change->priority = 0.1 * agent;
        memcpy(change->policy_hash, each->version.policy_hash.bytes, sizeof(change->policy_hash));
        return change;
}

static void make_accounts(Simulation *simulation) {
        Cast *cast = &simulation->cast;

        for (int i = 0; i < ACCOUNTS; i++) {
                CastAccount *account = &cast->accounts[i];
                account->known = i < 13;
                account->tenant = i < 5 || i == 12 ? 1 : i < 10 ? 2 : -1;
                account->suspended = i == 12;
                snprintf(account->bare, sizeof(account->bare), "p%d@%s", i, i < 13 ? "localhost" : "far.example");
                if (!account->known)
                        continue;
                DirectoryChange *change = change_add(cast, DIRECTORY_ACCOUNT, run_uuid('o', (uint64_t) i));
                change->name = text_of(account->bare);
                change->suspended = account->suspended;
                if (account->tenant < 0)
                        continue;
                change = change_add(cast, DIRECTORY_MEMBER, run_uuid('o', (uint64_t) i));
                change->tenant_id = cast->tenants[account->tenant];
                change->role = ROLE_OPERATOR;
        }
}

/* How many turns may run at once: of a tenant, of one of its people, of an agent. */
static void make_gauges(Cast *cast) {
        const struct {
                LimitSubject subject;
                Uuid id;
                int64_t amount;
        } rows[] = { { LIMIT_OF_TENANT, cast->tenants[CAST_NARROW_TENANT], CAST_NARROW_TURNS },
                     { LIMIT_OF_ACCOUNT, run_uuid('o', 1), 1 },
                     { LIMIT_OF_AGENT, cast->agents[7].version.agent_id, 1 } };

        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                DirectoryChange *change = change_add(cast, DIRECTORY_LIMIT, run_uuid('l', i));
                change->subject = rows[i].subject;
                change->subject_id = rows[i].id;
                change->what = LIMIT_TURNS;
                change->amount = rows[i].amount;
        }
}

static void make_version(Simulation *simulation, int agent) {
        const AgentRow *row = &agent_rows[agent];
        Cast *cast = &simulation->cast;
        Version *version = &cast->agents[agent].version;

        *version = (Version){
                .id = run_uuid('v', (uint64_t) agent),
                .agent_id = run_uuid('a', (uint64_t) agent),
                .tenant_id = cast->tenants[row->tenant],
                .owner = text_of(cast->accounts[row->owner].bare),
                .name = text_of(row->name),
                .prompt = TEXT("You answer in the simulator."),
                .model = TEXT("simulated/model"),
                .temperature = -1,
                .max_tokens = row->max_tokens,
                .short_term_limit = 10,
                .streaming = agent % 2 == 0,
                .tools = row->tools ? cast->tools : NULL,
                .tool_count = row->tools ? COUNT_OF(cast->tools) : 0,
                .prompt_price_nano = row->priced ? PROMPT_NANO * INT64_C(1000000) : 0,
                .completion_price_nano = row->priced ? COMPLETION_NANO * INT64_C(1000000) : 0,
        };
        memset(version->policy_hash.bytes, 'a' + agent, sizeof(version->policy_hash.bytes));
}

void cast_make(Simulation *simulation) {
        Cast *cast = &simulation->cast;

        cast->tools[0] = (ModelTool){ TEXT("lookup"), TEXT("Finds something."), TEXT("{\"type\":\"object\"}") };
        cast->tools[1] = (ModelTool){ TEXT("charge"), TEXT("Takes money."), TEXT("{\"type\":\"object\"}") };
        for (int i = 0; i < (int) COUNT_OF(slugs); i++) {
                cast->tenants[i] = run_uuid('t', (uint64_t) i);
                change_add(cast, DIRECTORY_TENANT, cast->tenants[i])->name = text_of(slugs[i]);
        }
        make_accounts(simulation);
        for (int i = 0; i < AGENTS; i++) {
                const AgentRow *row = &agent_rows[i];
                CastAgent *agent = &cast->agents[i];
                agent->tenant = row->tenant;
                agent->owner = row->owner;
                agent->visibility = row->visibility;
                snprintf(agent->local, sizeof(agent->local), row->tenant ? "%s.%s" : "%s", row->name,
                         slugs[row->tenant]);
                make_version(simulation, i);
                change_agent(cast, i);
                if (row->visibility != VISIBILITY_SHARED)
                        continue;
                for (int grant = 0; grant < row->tenant; grant++) {
                        DirectoryChange *change = change_add(cast, DIRECTORY_GRANT,
                                                             run_uuid('g', (uint64_t) (i * 2 + grant)));
                        change->tenant_id = cast->tenants[row->tenant];
                        change->agent_id = agent->version.agent_id;
                        change->name = grant == 0 ? text_of(cast->accounts[10].bare) : TEXT("far.example");
                }
        }
        make_gauges(cast);
}

Directory *cast_directory(const Simulation *simulation, Text domains) {
        char string[64];

        snprintf(string, sizeof(string), "%.*s", TEXT_ARGUMENTS(domains));
        Directory *directory = directory_new(string, simulation->cast.tenants[0]);
        for (size_t i = 0; i < simulation->cast.change_count; i++)
                directory_apply(directory, &simulation->cast.changes[i]);
        return directory;
}

/* The hub that ran the operation has it at once, the others within two seconds. */
void cast_pause(Simulation *simulation, int agent, bool paused) {
        Cast *cast = &simulation->cast;

        if (cast->change_count >= COUNT_OF(cast->changes) || cast->agents[agent].paused == paused)
                return;
        cast->agents[agent].paused = paused;
        cast->agents[agent].changed_us = now_us(simulation);
        DirectoryChange *change = change_agent(cast, agent);
        trace(simulation, paused ? "agent paused" : "agent resumed", agent, 0);
        Event event = { EVENT_DIRECTORY, .directory = { change, 1 } };
        for (Process *process = simulation->processes; process; process = process->next)
                if (process->alive)
                        process_post(process, random_between(&simulation->hubs, 0, 2 * SECONDS), &event, NULL);
}
