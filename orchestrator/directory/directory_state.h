/* The inside of the directory, shared by its files and by nobody else: directory.c (who there is and who may),
 * limited.c (limits, plans and gauges).
 */
#pragma once

#include "base/map.h"
#include "orchestrator/directory/directory.h"
#include "orchestrator/governance/plans.h"

typedef struct Member {
        struct Member *next;
        Uuid tenant_id;
        Role role;
} Member;

struct Grant {
        Grant *next;
        Uuid id;
        char *subject; /* bare JID or domain */
        int64_t not_before_us, expires_us;
        Limit *limits;
        Agent *agent;
};

struct Tenant {
        Uuid id;
        char *slug; /* NULL until its row came */
        bool suspended;
        char *plan, *zone; /* NULL until its row came */
        int32_t billing_day;
        Limit *limits;
        Limit *plan_limits; /* what its plan gives it, and what stands in its stead */
        Limit *plan_rows;   /* the latter as rows, for plan_limits to be made from */
        Map *senders;       /* SenderLimits by name; NULL = none */
        Gauge *gauge;
};

struct Account {
        Uuid id;
        char *bare; /* NULL until its row came */
        bool suspended;
        Member *members;
        Limit *limits;
        Gauge *gauge;
};

typedef struct DomainLimits {
        char *domain;
        Limit *limits;
} DomainLimits;

/* Of a JID or a domain; goes with the last of its limits, since those who write are many. */
typedef struct SenderLimits {
        Map **home; /* of the tenant or the installation */
        Limit *limits;
        char name[];
} SenderLimits;

/* Where a limit hangs, to find it again when it is changed. */
typedef struct LimitPlace {
        Uuid id;
        Limit **list;
        Tenant *tenant;       /* of a row in its plan's stead */
        SenderLimits *sender; /* of a row about one */
} LimitPlace;

struct Directory {
        char *domains;
        Uuid installation;
        Map *tenants, *accounts, *accounts_by_jid, *agents, *agents_by_local, *grants, *limit_places, *domain_limits,
                *announced;
        Subscriptions subscriptions;
        Map *spent; /* agents that budgets refuse, see budgets.c */
        Policies policies;
        Limit *limits;      /* of the installation */
        Map *senders;       /* the same; SenderLimits by name; NULL = none */
        Gauge *gauge;       /* the same */
        const Plans *plans; /* NULL: no plan limits anything */
        Uuid *untold;       /* limits of which there is something to be told */
        size_t untold_count, untold_capacity;
        Uuid *shared; /* limits of which other hubs hold something */
        size_t shared_count;
        int32_t hubs; /* that share a bucket without telling each other; 1 = they do tell, or there is one */
        Agent *hub;   /* at the bare domains: everybody may talk to it */
        Agent absent; /* looked at when there is none, so that absence costs the same */
        Tenant absent_tenant;
        size_t agent_count; /* with a row, not deleted */
};

/* A row may come before the one it belongs to: then the latter begins as an empty one that nobody can find. */
Tenant *directory_tenant_of(Directory *directory, Uuid id);
Account *directory_account_of(Directory *directory, Uuid id);
Agent *directory_agent_of(Directory *directory, Uuid id);

/* What people see of it has changed. */
void directory_renew_look(Directory *directory, Agent *agent);

/* budgets.c */
void directory_close_budgets(Directory *directory);

/* limited.c */
void directory_open_limits(Directory *directory);
void directory_close_limits(Directory *directory);
void directory_apply_limit(Directory *directory, const DirectoryChange *change);
/* A tenant's row: its plan and its calendar. */
void directory_apply_plan(Directory *directory, Tenant *tenant, const DirectoryChange *change);
void tenant_release_limits(Tenant *tenant);
void limits_free(Limit *limit);
