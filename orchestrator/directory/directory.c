#include "orchestrator/directory/announced.h"
#include "orchestrator/directory/directory_state.h"

#include <stdio.h>

#define LOOK_LAST 0x7fffffff /* numbers above are the roster's own */

static char *string_of(Text text) {
        char *string = memory_new(text.length + 1);
        if (text.length)
                memcpy(string, text.bytes, text.length);
        return string;
}

static void string_replace(char **string, Text text) {
        free(*string);
        *string = text.length ? string_of(text) : NULL;
}

Tenant *directory_tenant_of(Directory *directory, Uuid id) {
        Tenant *tenant = map_get(directory->tenants, MAP_KEY(id));
        if (!tenant) {
                tenant = memory_new(sizeof(*tenant));
                tenant->id = id;
                map_put(directory->tenants, MAP_KEY(tenant->id), tenant);
        }
        return tenant;
}

Account *directory_account_of(Directory *directory, Uuid id) {
        Account *account = map_get(directory->accounts, MAP_KEY(id));
        if (!account) {
                account = memory_new(sizeof(*account));
                account->id = id;
                map_put(directory->accounts, MAP_KEY(account->id), account);
        }
        return account;
}

Agent *directory_agent_of(Directory *directory, Uuid id) {
        Agent *agent = map_get(directory->agents, MAP_KEY(id));
        if (!agent) {
                agent = memory_new(sizeof(*agent));
                agent->id = id;
                agent->state = AGENT_DELETED;
                agent->tenant = &directory->absent_tenant;
                agent->reputation = 0.5;
                map_put(directory->agents, MAP_KEY(agent->id), agent);
        }
        return agent;
}

const Uuid directory_hub_id = { { [6] = 0x80, [8] = 0x80, [15] = 1 } };

static void hub_add(Directory *directory) {
        Agent *hub = directory->hub = directory_agent_of(directory, directory_hub_id);

        hub->tenant_id = directory->installation;
        hub->tenant = directory_tenant_of(directory, directory->installation);
        hub->name = memory_string("hub");
        hub->owner = memory_string("");
        hub->local = memory_string("");
        hub->visibility = VISIBILITY_PUBLIC;
        hub->state = AGENT_ACTIVE;
}

Directory *directory_new(const char *domains, Uuid installation) {
        Directory *directory = memory_new(sizeof(*directory));

        directory->domains = memory_string(domains);
        directory->installation = installation;
        directory->tenants = map_new(16);
        directory->accounts = map_new(64);
        directory->accounts_by_jid = map_new(64);
        directory->agents = map_new(64);
        directory->agents_by_local = map_new(64);
        directory->grants = map_new(16);
        directory_open_limits(directory);
        directory->announced = map_new(16);
        directory->spent = map_new(16);
        subscriptions_open(&directory->subscriptions);
        policies_open(&directory->policies);
        directory->absent.state = AGENT_DELETED;
        directory->absent.tenant = &directory->absent_tenant;
        directory->absent.owner = "";
        hub_add(directory);
        return directory;
}

static void agent_file(Directory *directory, Agent *agent) {
        char local[256] = "";

        if (agent == directory->hub)
                return;
        if (agent->local && map_get(directory->agents_by_local, text_of(agent->local)) == agent)
                map_remove(directory->agents_by_local, text_of(agent->local));
        if (agent->local) {
                free(agent->former);
                agent->former = agent->local;
        }
        agent->local = NULL;
        if (!agent->name || agent->state == AGENT_DELETED)
                return;
        if (uuid_equal(agent->tenant_id, directory->installation))
                snprintf(local, sizeof(local), "%s", agent->name);
        else if (agent->tenant->slug)
                snprintf(local, sizeof(local), "%s.%s", agent->name, agent->tenant->slug);
        else
                return;
        agent->local = memory_string(local);
        map_put(directory->agents_by_local, text_of(agent->local), agent);
}

static void apply_tenant(Directory *directory, const DirectoryChange *change) {
        Tenant *tenant = directory_tenant_of(directory, change->id);
        Text before = text_of(tenant->slug);
        bool renamed = !text_equal(before, change->name);

        tenant->suspended = change->gone || change->suspended;
        directory_apply_plan(directory, tenant, change);
        if (tenant->suspended)
                subscriptions_concern(&directory->subscriptions, tenant, TEXT_NONE);
        if (change->gone || !renamed)
                return;
        string_replace(&tenant->slug, change->name);
        Agent *agent;
        for (size_t i = 0; (agent = map_each(directory->agents, &i));)
                if (agent->tenant == tenant)
                        agent_file(directory, agent);
}

static void apply_account(Directory *directory, const DirectoryChange *change) {
        Account *account = directory_account_of(directory, change->id);

        if (account->bare && map_get(directory->accounts_by_jid, text_of(account->bare)) == account)
                map_remove(directory->accounts_by_jid, text_of(account->bare));
        account->suspended = change->suspended;
        if (account->bare && (change->suspended || change->gone))
                subscriptions_concern(&directory->subscriptions, NULL, text_of(account->bare));
        if (change->gone) {
                string_replace(&account->bare, TEXT_NONE);
                return;
        }
        string_replace(&account->bare, change->name);
        if (account->bare)
                map_put(directory->accounts_by_jid, text_of(account->bare), account);
}

static void apply_member(Directory *directory, const DirectoryChange *change) {
        Account *account = directory_account_of(directory, change->id);
        Member **place = &account->members;

        while (*place && !uuid_equal((*place)->tenant_id, change->tenant_id))
                place = &(*place)->next;
        if (change->gone) {
                Member *member = *place;
                if (member) {
                        *place = member->next;
                        free(member);
                }
                if (account->bare)
                        subscriptions_concern(&directory->subscriptions,
                                              directory_tenant_of(directory, change->tenant_id),
                                              text_of(account->bare));
                return;
        }
        if (!*place) {
                *place = memory_new(sizeof(Member));
                (*place)->tenant_id = change->tenant_id;
        }
        (*place)->role = change->role;
}

static void look_renew(Agent *agent) {
        agent->look = agent->look == LOOK_LAST ? 1 : agent->look + 1;
}

void directory_renew_look(Directory *directory, Agent *agent) {
        look_renew(agent);
        subscriptions_concern_agent(&directory->subscriptions, agent);
}

static void apply_agent(Directory *directory, const DirectoryChange *change) {
        Agent *agent = directory_agent_of(directory, change->id);
        bool existed = agent->state != AGENT_DELETED;

        if (agent->look == 0 || agent->state != change->state || !uuid_equal(agent->version_id, change->version_id) ||
            !text_equal(text_of(agent->pause_reason), change->pause_reason))
                look_renew(agent);
        agent->tenant_id = change->tenant_id;
        agent->tenant = directory_tenant_of(directory, change->tenant_id);
        agent->version_id = change->version_id;
        agent->owner_id = change->owner_id;
        string_replace((char **) &agent->name, change->name);
        string_replace((char **) &agent->owner, change->owner);
        string_replace((char **) &agent->pause_reason, change->pause_reason);
        string_replace((char **) &agent->description, change->description);
        string_replace((char **) &agent->display_name,
                       change->display_name.length ? change->display_name : change->name);
        agent->visibility = change->visibility;
        agent->state = change->gone ? AGENT_DELETED : change->state;
        agent->priced = change->priced;
        memcpy(agent->policy_hash, change->policy_hash, sizeof(agent->policy_hash));
        agent->priority = change->priority;
        policies_apply_agent(agent, change);
        agent_file(directory, agent);
        subscriptions_concern_agent(&directory->subscriptions, agent);
        directory->agent_count += (agent->state != AGENT_DELETED) - existed;
}

static void grant_unlink(Grant *grant) {
        if (!grant->agent)
                return;
        for (Grant **place = &grant->agent->grants; *place; place = &(*place)->next)
                if (*place == grant) {
                        *place = grant->next;
                        break;
                }
        grant->agent = NULL;
}

/* A grant that is gone stays as an empty one: limits may still point at its list. */
static void apply_grant(Directory *directory, const DirectoryChange *change) {
        Grant *grant = map_get(directory->grants, MAP_KEY(change->id));

        if (!grant) {
                grant = memory_new(sizeof(*grant));
                grant->id = change->id;
                map_put(directory->grants, MAP_KEY(grant->id), grant);
        }
        if (grant->agent)
                subscriptions_concern_agent(&directory->subscriptions, grant->agent);
        grant_unlink(grant);
        if (change->gone)
                return;
        string_replace(&grant->subject, change->name);
        grant->not_before_us = change->not_before_us;
        grant->expires_us = change->expires_us;
        grant->agent = directory_agent_of(directory, change->agent_id);
        grant->next = grant->agent->grants;
        grant->agent->grants = grant;
}

static bool domain_index(const Directory *directory, Text domain, uint16_t *ret_index) {
        Text rest = text_of(directory->domains), each;
        for (uint16_t index = 0; text_split(&rest, ' ', &each); index++)
                if (text_equal(each, domain)) {
                        *ret_index = index;
                        return true;
                }
        return false;
}

static void apply_subscription(Directory *directory, const DirectoryChange *change) {
        Agent *agent = directory_agent_of(directory, change->agent_id);
        uint16_t domain;

        if (!domain_index(directory, change->domain, &domain))
                return;
        if (change->gone)
                subscriptions_drop(&directory->subscriptions, agent, domain, change->name);
        else
                subscriptions_put(&directory->subscriptions, agent, domain, change->name);
}

static void apply_policy(Directory *directory, const DirectoryChange *change) {
        policies_apply(&directory->policies, change);
}

static void apply_person(Directory *directory, const DirectoryChange *change) {
        (void) directory, (void) change;
}

DirectoryChange directory_change_copy(Arena *arena, const DirectoryChange *change) {
        DirectoryChange copy = *change;
        Text *texts[] = { &copy.name,        &copy.plan,         &copy.zone,   &copy.owner, &copy.pause_reason,
                          &copy.description, &copy.display_name, &copy.policy, &copy.model, &copy.domain };

        for (size_t i = 0; i < COUNT_OF(texts); i++)
                *texts[i] = text_copy(arena, *texts[i]);
        return copy;
}

void directory_apply(Directory *directory, const DirectoryChange *change) {
        static void (*const apply[])(Directory *, const DirectoryChange *) = {
                [DIRECTORY_TENANT] = apply_tenant,
                [DIRECTORY_ACCOUNT] = apply_account,
                [DIRECTORY_MEMBER] = apply_member,
                [DIRECTORY_AGENT] = apply_agent,
                [DIRECTORY_GRANT] = apply_grant,
                [DIRECTORY_LIMIT] = directory_apply_limit,
                [DIRECTORY_SUBSCRIPTION] = apply_subscription,
                [DIRECTORY_POLICY] = apply_policy,
                [DIRECTORY_PERSON] = apply_person,
        };
        if (announced_admit(directory->announced, change))
                apply[change->kind](directory, change);
}

const char *directory_domains(const Directory *directory) {
        return directory->domains;
}

Uuid directory_installation(const Directory *directory) {
        return directory->installation;
}

size_t directory_agent_count(const Directory *directory) {
        return directory->agent_count;
}

bool directory_serves(const Directory *directory, Text domain) {
        uint16_t index;
        return domain_index(directory, domain, &index);
}

Policies *directory_policies(Directory *directory) {
        return &directory->policies;
}

Subscriptions *directory_subscriptions(Directory *directory) {
        return &directory->subscriptions;
}

Subscription *directory_subscription(const Directory *directory, const Agent *agent, Text domain, Text who) {
        uint16_t index;
        return domain_index(directory, domain, &index)
                       ? subscriptions_find(&directory->subscriptions, agent, index, who)
                       : NULL;
}

Sender directory_sender(Directory *directory, const Jid *from) {
        Sender sender = { .kind = SENDER_STRANGER, .bare = from->bare, .domain = from->domain };
        Account *account = map_get(directory->accounts_by_jid, from->bare);

        if (account) {
                sender.kind = SENDER_ACCOUNT;
                sender.account = account;
                sender.suspended = account->suspended;
        } else if (directory_serves(directory, from->domain)) {
                sender.agent = map_get(directory->agents_by_local, from->local);
                sender.kind = sender.agent ? SENDER_AGENT : SENDER_NOBODY;
                sender.suspended = sender.agent && sender.agent->tenant->suspended;
        }
        return sender;
}

Uuid account_id(const Account *account) {
        return account->id;
}

Role directory_role(const Directory *directory, const Sender *sender, const Tenant *tenant) {
        (void) directory;
        if (sender->account && !sender->suspended)
                for (const Member *member = sender->account->members; member; member = member->next)
                        if (uuid_equal(member->tenant_id, tenant->id))
                                return member->role;
        return ROLE_NONE;
}

Text directory_each_owner(const Directory *directory, const Tenant *tenant, size_t *iterator) {
        const Account *account;

        while ((account = map_each(directory->accounts, iterator)))
                for (const Member *member = account->members; member; member = member->next)
                        if (member->role == ROLE_OWNER && uuid_equal(member->tenant_id, tenant->id) &&
                            !account->suspended && account->bare)
                                return text_of(account->bare);
        return TEXT_NONE;
}

const char *directory_slug(const Tenant *tenant) {
        return tenant->slug;
}

/* Of several that hold, the one to the person; so its limits are always the same. */
static const Grant *grant_for(const Agent *agent, const Sender *asker, int64_t wall_us) {
        const Grant *of_domain = NULL;

        for (const Grant *grant = agent->grants; grant; grant = grant->next) {
                Text subject = text_of(grant->subject);
                if (wall_us < grant->not_before_us || (grant->expires_us && wall_us >= grant->expires_us))
                        continue;
                if (text_equal(subject, asker->bare))
                        return grant;
                if (text_equal(subject, asker->domain))
                        of_domain = grant;
        }
        return of_domain;
}

int64_t grant_expires_us(const Grant *grant) {
        return grant->expires_us;
}

/* Every question is asked whatever the others say, so that an absent agent costs what a forbidden one does. */
static bool agent_admits(const Directory *directory, const Agent *agent, const Sender *asker, int64_t wall_us,
                         const Grant **ret_grant) {
        bool stands = agent->state != AGENT_DELETED && !agent->tenant->suspended;
        bool owner = asker->account && text_equal(text_of(agent->owner), asker->bare);
        bool member = directory_role(directory, asker, agent->tenant) != ROLE_NONE;
        bool sibling = asker->agent && asker->agent->tenant == agent->tenant;
        const Grant *grant = grant_for(agent, asker, wall_us);
        bool admitted = owner;

        switch (agent->visibility) {
        case VISIBILITY_PRIVATE:
                break;
        case VISIBILITY_TENANT:
                admitted |= member | sibling;
                break;
        case VISIBILITY_SHARED:
                admitted |= grant != NULL;
                break;
        case VISIBILITY_PUBLIC:
                admitted = true;
                break;
        }
        if (ret_grant)
                *ret_grant = !owner && agent->visibility == VISIBILITY_SHARED ? grant : NULL;
        return stands & admitted & !asker->suspended & (asker->kind != SENDER_NOBODY);
}

Agent *directory_agent(Directory *directory, const Sender *asker, Text local, int64_t wall_us,
                       const Grant **ret_grant) {
        Agent *found = local.length ? map_get(directory->agents_by_local, local) : directory->hub;
        Agent *agent = found ? found : &directory->absent;
        bool admitted = agent_admits(directory, agent, asker, wall_us, ret_grant);

        return admitted && found ? found : NULL;
}

Agent *directory_agent_by_id(Directory *directory, Uuid id) {
        return map_get(directory->agents, MAP_KEY(id));
}

Agent *directory_each(Directory *directory, const Sender *asker, int64_t wall_us, size_t *iterator) {
        Agent *agent;
        while ((agent = map_each(directory->agents_by_local, iterator)))
                if (agent_admits(directory, agent, asker, wall_us, NULL))
                        return agent;
        return NULL;
}

static void account_free(Account *account) {
        for (Member *member = account->members, *next; member; member = next) {
                next = member->next;
                free(member);
        }
        limits_free(account->limits);
        free(account->gauge);
        free(account->bare);
        free(account);
}

static void agent_free(Agent *agent) {
        limits_free(agent->limits);
        free(agent->gauge);
        free((char *) agent->name);
        free((char *) agent->owner);
        free((char *) agent->pause_reason);
        free((char *) agent->description);
        free((char *) agent->display_name);
        free(agent->local);
        free(agent->former);
        policies_release_agent(agent);
        free(agent);
}

void directory_free(Directory *directory) {
        subscriptions_close(&directory->subscriptions);
        directory_close_budgets(directory);
        policies_close(&directory->policies);
        Tenant *tenant;
        for (size_t i = 0; (tenant = map_each(directory->tenants, &i));) {
                tenant_release_limits(tenant);
                free(tenant->slug);
                free(tenant);
        }
        Account *account;
        for (size_t i = 0; (account = map_each(directory->accounts, &i));)
                account_free(account);
        Grant *grant;
        for (size_t i = 0; (grant = map_each(directory->grants, &i));) {
                limits_free(grant->limits);
                free(grant->subject);
                free(grant);
        }
        Agent *agent;
        for (size_t i = 0; (agent = map_each(directory->agents, &i));)
                agent_free(agent);
        map_free(directory->tenants);
        map_free(directory->accounts);
        map_free(directory->accounts_by_jid);
        map_free(directory->agents);
        map_free(directory->agents_by_local);
        map_free(directory->grants);
        directory_close_limits(directory);
        announced_free(directory->announced);
        free(directory->domains);
        free(directory);
}
