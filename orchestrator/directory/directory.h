/* The directory: tenants, accounts, members, agents, grants and limits in memory, for decisions that take microseconds.
 * It is a copy: the store holds the truth, an operation writes there first and then applies the change here. It decides
 * who may see and talk to an agent, and nothing else; rates and sizes are the pipeline's.
 *
 * Belongs to the hub thread; never blocks. Changes are plain data (DirectoryChange), so that they can come from a
 * worker, from another hub, or from the simulator.
 */
#pragma once

#include "base/clock.h"
#include "base/failure.h"
#include "base/jid.h"
#include "base/uuid.h"
#include "orchestrator/directory/policies.h"
#include "orchestrator/directory/subscriptions.h"
#include "orchestrator/governance/limits.h"

typedef enum Visibility { VISIBILITY_PRIVATE, VISIBILITY_TENANT, VISIBILITY_SHARED, VISIBILITY_PUBLIC } Visibility;

/* Ordered: a higher role may do all that a lower one may. */
typedef enum Role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN, ROLE_OWNER, ROLE_PLATFORM } Role;

typedef enum AgentState { AGENT_ACTIVE, AGENT_PAUSED, AGENT_DELETED } AgentState;

/* Names as settings, operations and the database spell them. */
const char *visibility_name(Visibility visibility);
bool visibility_from_name(Text name, Visibility *ret_visibility);
const char *role_name(Role role);
bool role_from_name(Text name, Role *ret_role);
const char *agent_state_name(AgentState state);
bool agent_state_from_name(Text name, AgentState *ret_state);

typedef struct Account Account;
typedef struct Directory Directory;
typedef struct Grant Grant;
typedef struct Plans Plans; /* governance/plans.h */

/* What the core needs of an agent's current version; the rest (prompt, goal …) is read by the turn. */
struct Agent {
        Uuid id, tenant_id, version_id, owner_id;
        const char *name;         /* local part of its JID without the tenant's slug */
        const char *owner;        /* bare JID */
        const char *pause_reason; /* NULL unless paused */
        const char *description;  /* what it is, as far as it is short; may be NULL */
        const char *display_name; /* for people; its name when it has no other */
        Visibility visibility;
        AgentState state;
        bool priced; /* its model costs money: needs the cache to answer */
        uint8_t policy_hash[32];
        double priority;        /* P of the score, 0 to 1 */
        double reputation;      /* R of the score: kept by the core, starts at 0.5 */
        int64_t concluded_us;   /* monotonic: when it last concluded something, also kept by the core; 0 = not yet */
        int64_t spent_until_us; /* wall clock: it is over a limit until then, see budgets.h; 0 = it is not */
        Tenant *tenant;         /* owned by the directory, like what follows */
        char *local;            /* local part of its JID */
        char *former;           /* the same as it was last, when it has none any more */
        uint32_t look;          /* another one whenever what people see of it changed; never 0 once its row came */
        char *model;
        Gate *gate; /* of its own policy; NULL admits all */
        Grant *grants;
        Limit *limits;
        Gauge *gauge; /* NULL until something of it was held */
        Subscription *subscriptions;
};

/* A change as the store reports it and as directory_apply() takes it. Strings are copied. */
typedef enum DirectoryKind {
        DIRECTORY_TENANT,
        DIRECTORY_ACCOUNT,
        DIRECTORY_MEMBER,
        DIRECTORY_AGENT,
        DIRECTORY_GRANT,
        DIRECTORY_LIMIT,
        DIRECTORY_SUBSCRIPTION,
        DIRECTORY_POLICY,
        DIRECTORY_PERSON, /* gone: the name was erased; the directory holds no persons, the journal remembers them */
} DirectoryKind;

typedef struct DirectoryChange {
        DirectoryKind kind;
        bool gone;      /* the row was deleted */
        bool announced; /* by an operation of this hub; else read from the store */
        /* Monotonic: an operation's commit was before, a reading's snapshot after. What is read as of a moment before
         * the row was announced is left out. */
        int64_t as_of_us;
        Uuid id;        /* of the row; MEMBER: the account; SUBSCRIPTION: none */
        Uuid tenant_id; /* MEMBER, AGENT, GRANT, LIMIT, SUBSCRIPTION, PERSON */
        /* TENANT: slug; ACCOUNT, SUBSCRIPTION: bare JID; AGENT: name; GRANT: JID, domain or agent's JID; LIMIT: of a
         * domain or a sender, that */
        Text name;
        bool suspended; /* TENANT, ACCOUNT */
        /* TENANT; empty and 0: as they were */
        Text plan, zone;
        int32_t billing_day;
        Role role; /* MEMBER */
        /* AGENT */
        Uuid version_id, owner_id;
        Text owner; /* bare JID */
        Visibility visibility;
        AgentState state;
        Text pause_reason;
        Text description;
        Text display_name; /* may be empty */
        bool priced;
        uint8_t policy_hash[32]; /* POLICY too; there zero when the tenant has none */
        double priority;
        Text policy; /* AGENT, POLICY: JSON; empty = none */
        Text model;
        Uuid agent_id; /* GRANT, SUBSCRIPTION */
        Text domain;   /* SUBSCRIPTION: at which of ours; another's is left alone */
        /* GRANT */
        int64_t not_before_us, expires_us; /* wall clock; 0 = always */
        /* LIMIT */
        LimitSubject subject;
        Uuid subject_id; /* TENANT, ACCOUNT, AGENT, GRANT */
        LimitWhat what;
        int64_t window_us, amount;
} DirectoryChange;

/* The same with its texts in the arena; those that do not fit are empty. */
DirectoryChange directory_change_copy(Arena *arena, const DirectoryChange *change);

/* domains: those the hub serves, separated by spaces; installation: the reserved tenant, whose agents have bare names.
 */
Directory *directory_new(const char *domains, Uuid installation);
void directory_apply(Directory *directory, const DirectoryChange *change);
/* The hub itself, at the bare domains (local part empty): an agent of the installation without a row or a version, that
 * everybody but the suspended may talk to, and that knows commands only. */
extern const Uuid directory_hub_id;
Uuid directory_installation(const Directory *directory);
const char *directory_domains(const Directory *directory); /* those the hub serves, separated by spaces */
size_t directory_agent_count(const Directory *directory);
void directory_free(Directory *directory);
DEFINE_RELEASE(Directory *, directory_free)

/* Whether the domain is one of ours. */
bool directory_serves(const Directory *directory, Text domain);

/* Who somebody is to the installation. */
typedef enum SenderKind { SENDER_NOBODY, SENDER_ACCOUNT, SENDER_AGENT, SENDER_STRANGER } SenderKind;
typedef struct Sender {
        SenderKind kind;
        Text bare, domain;
        const Account *account; /* SENDER_ACCOUNT */
        Agent *agent;           /* SENDER_AGENT: one of ours */
        bool suspended;         /* treated as nobody, with the same work */
} Sender;

Sender directory_sender(Directory *directory, const Jid *from);
Uuid account_id(const Account *account);
Role directory_role(const Directory *directory, const Sender *sender, const Tenant *tenant);

/* The one look-up by name on the XMPP side. NULL when the agent is absent, deleted, of a suspended tenant, or not for
 * this asker to see: the same work in every case. `local` is the local part of the JID asked for. ret_grant may be
 * NULL: by which grant the asker may, if by one. */
Agent *directory_agent(Directory *directory, const Sender *asker, Text local, int64_t wall_us, const Grant **ret_grant);
/* Until when that grant holds, wall clock; 0 = always. */
int64_t grant_expires_us(const Grant *grant);
/* By id, for the core's own use: no question of who asks. */
Agent *directory_agent_by_id(Directory *directory, Uuid id);
/* The agents the asker may see, in no order: for (size_t i = 0; (agent = directory_each(…, &i));) */
Agent *directory_each(Directory *directory, const Sender *asker, int64_t wall_us, size_t *iterator);
/* The plans that give tenants their figures, from now on; they must outlive the directory or be followed by others.
 * NULL, as at first: plans limit nothing. */
void directory_set_plans(Directory *directory, const Plans *plans);
/* Of a tenant: "UTC" and 1 until its row came. */
const char *directory_zone(const Tenant *tenant);
int32_t directory_billing_day(const Tenant *tenant);

/* How many lists of limits may concern a message. */
#define LIMIT_LISTS                                                                                                    \
        (LIMIT_SUBJECT_COUNT + 3) /* of the sender, four: by JID and by domain, of tenant and installation */
/* Takes `amount` of `what` from every limit that concerns this message, or from none when one of them refuses. */
LimitVerdict directory_take(Directory *directory, const Sender *sender, Agent *agent, const Grant *grant,
                            LimitWhat what, int64_t amount, int64_t monotonic_us);
/* The same question, and nothing is taken; and what a message has taken, when it is known: LIMIT_WORKER_MS, as
 * limits_charge(). */
LimitVerdict directory_ask(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                           LimitWhat what, int64_t amount, int64_t monotonic_us);
const Limit *directory_charge(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                              LimitWhat what, int64_t amount, int64_t monotonic_us);
/* By its row's id, or of a plan's figure by the id it has on every hub. NULL when there is none. */
Limit *directory_limit(const Directory *directory, Uuid id);
Uuid plan_limit_id(Uuid tenant_id, LimitWhat what, int64_t window_us);
/* What was let through since it was asked for last, each limit once, as far as it still counts: to be told other hubs.
 * False: nothing (more). */
bool directory_untold(Directory *directory, int64_t monotonic_us, Uuid *ret_limit, int64_t *ret_amount);
/* What others let through; of a limit that is not here, nothing. */
void directory_subtract(Directory *directory, Uuid id, int64_t amount, int64_t monotonic_us);
/* What others hold, of all limits: of one that is not named, nothing. */
void directory_share(Directory *directory, const LevelElsewhere *elsewhere, size_t count);
/* The hubs cannot tell each other: each of so many has an even part of every rate and gauge; 1 = the whole. */
void directory_divide(Directory *directory, int32_t hubs);
/* The narrowest `what` of a single amount or moment; INT64_MAX: none. */
int64_t directory_least(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                        LimitWhat what);

/* Whose turns and waiting messages a message of this sender counts among; NULL where there is nobody. They live as long
 * as the directory. */
#define GAUGES 4
typedef struct Gauges {
        Gauge *of[GAUGES]; /* of the installation, tenant, account and agent */
} Gauges;
Gauges directory_gauges(Directory *directory, const Sender *sender, Agent *agent);
/* Whether one more would be over a limit, with what other hubs hold. */
LimitVerdict directory_hold(const Directory *directory, const Gauge *gauge, LimitWhat what);

/* How much of a rate or gauge is used: looked up by the row, and what this hub holds of a gauge by its subject. */
typedef struct LimitUse {
        Uuid id, subject_id; /* subject_id: as in DirectoryChange, also of a plan's figure */
        LimitSubject subject;
        LimitWhat what;
        bool known;   /* out */
        int64_t used; /* out */
} LimitUse;
void directory_use(const Directory *directory, LimitUse *use, int64_t monotonic_us);

/* The bare JIDs of a tenant's owners, in no order: for (size_t i = 0; (jid = directory_each_owner(…, &i)).length;) Goes
 * through all accounts. */
Text directory_each_owner(const Directory *directory, const Tenant *tenant, size_t *iterator);
const char *directory_slug(const Tenant *tenant); /* NULL until its row came */

/* Of the agents' presence. `domain` is one of ours; NULL when there is none. */
Policies *directory_policies(Directory *directory);
Subscriptions *directory_subscriptions(Directory *directory);
Subscription *directory_subscription(const Directory *directory, const Agent *agent, Text domain, Text who);
