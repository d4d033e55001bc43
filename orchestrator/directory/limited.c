/* Limits in the directory: where each row hangs, what a plan makes of itself for a tenant, and which of them concern a
 * message. */
#include "orchestrator/directory/directory_state.h"

void directory_open_limits(Directory *directory) {
        directory->limit_places = map_new(16);
        directory->domain_limits = map_new(16);
        directory->hubs = 1;
}

void limits_free(Limit *limit) {
        while (limit) {
                Limit *next = limit->next;
                free(limit);
                limit = next;
        }
}

static void senders_free(Map *senders) {
        SenderLimits *sender;

        for (size_t i = 0; senders && (sender = map_each(senders, &i));) {
                limits_free(sender->limits);
                free(sender);
        }
        if (senders)
                map_free(senders);
}

void directory_close_limits(Directory *directory) {
        DomainLimits *domain;
        LimitPlace *place;

        for (size_t i = 0; (domain = map_each(directory->domain_limits, &i));) {
                limits_free(domain->limits);
                free(domain->domain);
                free(domain);
        }
        for (size_t i = 0; (place = map_each(directory->limit_places, &i));)
                free(place);
        limits_free(directory->limits);
        senders_free(directory->senders);
        free(directory->gauge);
        free(directory->untold);
        free(directory->shared);
        map_free(directory->limit_places);
        map_free(directory->domain_limits);
}

void tenant_release_limits(Tenant *tenant) {
        limits_free(tenant->limits);
        limits_free(tenant->plan_limits);
        limits_free(tenant->plan_rows);
        senders_free(tenant->senders);
        free(tenant->plan);
        free(tenant->zone);
        free(tenant->gauge);
}

static LimitPlace *place_put(Directory *directory, Uuid id, Limit **list) {
        LimitPlace *place = map_get(directory->limit_places, MAP_KEY(id));

        if (!place) {
                place = memory_new(sizeof(*place));
                place->id = id;
                map_put(directory->limit_places, MAP_KEY(place->id), place);
        }
        *place = (LimitPlace){ .id = id, .list = list };
        return place;
}

static void place_remove(Directory *directory, Uuid id) {
        LimitPlace *place = map_get(directory->limit_places, MAP_KEY(id));

        if (place)
                map_remove(directory->limit_places, MAP_KEY(place->id));
        free(place);
}

Limit *directory_limit(const Directory *directory, Uuid id) {
        const LimitPlace *place = map_get(directory->limit_places, MAP_KEY(id));
        Limit *limit = place ? *place->list : NULL;

        while (limit && !uuid_equal(limit->id, id))
                limit = limit->next;
        return limit;
}

/* A plan's figure for a tenant has no row, and the same id on every hub. */
Uuid plan_limit_id(Uuid tenant_id, LimitWhat what, int64_t window_us) {
        uint32_t seconds = (uint32_t) (window_us / SECONDS);

        tenant_id.bytes[0] ^= (uint8_t) (what + 1);
        tenant_id.bytes[1] ^= (uint8_t) seconds;
        tenant_id.bytes[2] ^= (uint8_t) (seconds >> 8);
        tenant_id.bytes[3] ^= (uint8_t) (seconds >> 16);
        tenant_id.bytes[4] ^= (uint8_t) (seconds >> 24);
        return tenant_id;
}

static Limit *limit_pick(Limit **list, LimitWhat what, int64_t window_us) {
        for (Limit **each = list; *each; each = &(*each)->next)
                if ((*each)->what == what && (*each)->window_us == window_us) {
                        Limit *limit = *each;
                        *each = limit->next;
                        return limit;
                }
        return NULL;
}

static void plan_put(Directory *directory, Tenant *tenant, Limit **before, PlanFigure figure) {
        Limit *limit = limit_pick(before, figure.what, figure.window_us);

        if (!limit) {
                limit = memory_new(sizeof(*limit));
                limit->id = plan_limit_id(tenant->id, figure.what, figure.window_us);
                limit->subject = LIMIT_OF_PLAN;
                limit->what = figure.what;
                place_put(directory, limit->id, &tenant->plan_limits);
        }
        limit_change(limit, figure.window_us, figure.amount);
        limit->next = tenant->plan_limits;
        tenant->plan_limits = limit;
}

static bool has_row(const Tenant *tenant, const PlanFigure *figure) {
        for (const Limit *row = tenant->plan_rows; row; row = row->next)
                if (row->what == figure->what && row->window_us == figure->window_us)
                        return true;
        return false;
}

/* What the plan gives, with the rows in its stead; the installation itself has none; what was used of the same thing
 * stays used. */
static void tenant_plan(Directory *directory, Tenant *tenant) {
        bool limited = directory->plans && tenant->plan && !uuid_equal(tenant->id, directory->installation);
        const Plan *plan = limited ? plan_of(directory->plans, text_of(tenant->plan)) : NULL;
        Limit *before = tenant->plan_limits;

        tenant->plan_limits = NULL;
        for (size_t i = 0; plan && i < plan->figure_count; i++)
                if (!has_row(tenant, &plan->figures[i]))
                        plan_put(directory, tenant, &before, plan->figures[i]);
        for (const Limit *row = tenant->plan_rows; row; row = row->next)
                plan_put(directory, tenant, &before, (PlanFigure){ row->what, row->window_us, row->amount });
        for (const Limit *limit = before; limit; limit = limit->next)
                place_remove(directory, limit->id);
        limits_free(before);
}

void directory_apply_plan(Directory *directory, Tenant *tenant, const DirectoryChange *change) {
        bool other = change->plan.length && !text_equal(text_of(tenant->plan), change->plan);

        if (change->gone)
                return;
        if (change->zone.length) {
                free(tenant->zone);
                tenant->zone = text_keep(change->zone);
        }
        if (change->billing_day)
                tenant->billing_day = change->billing_day;
        if (!other)
                return;
        free(tenant->plan);
        tenant->plan = text_keep(change->plan);
        tenant_plan(directory, tenant);
}

void directory_set_plans(Directory *directory, const Plans *plans) {
        Tenant *tenant;

        directory->plans = plans;
        for (size_t i = 0; (tenant = map_each(directory->tenants, &i));)
                tenant_plan(directory, tenant);
}

const char *directory_zone(const Tenant *tenant) {
        return tenant->zone ? tenant->zone : "UTC";
}

int32_t directory_billing_day(const Tenant *tenant) {
        return tenant->billing_day ? tenant->billing_day : 1;
}

static Grant *grant_of(Directory *directory, Uuid id) {
        Grant *grant = map_get(directory->grants, MAP_KEY(id));

        if (!grant) {
                grant = memory_new(sizeof(*grant));
                grant->id = id;
                map_put(directory->grants, MAP_KEY(grant->id), grant);
        }
        return grant;
}

static DomainLimits *domain_of(Directory *directory, Text name) {
        DomainLimits *domain = map_get(directory->domain_limits, name);

        if (!domain) {
                domain = memory_new(sizeof(*domain));
                domain->domain = text_keep(name);
                map_put(directory->domain_limits, text_of(domain->domain), domain);
        }
        return domain;
}

static SenderLimits *sender_of(Directory *directory, const DirectoryChange *change) {
        Map **home = uuid_equal(change->tenant_id, directory->installation)
                             ? &directory->senders
                             : &directory_tenant_of(directory, change->tenant_id)->senders;
        SenderLimits *sender = *home ? map_get(*home, change->name) : NULL;

        if (sender)
                return sender;
        if (!*home)
                *home = map_new(4);
        sender = memory_new(sizeof(*sender) + change->name.length + 1);
        sender->home = home;
        if (change->name.length)
                memcpy(sender->name, change->name.bytes, change->name.length);
        map_put(*home, text_of(sender->name), sender);
        return sender;
}

static void sender_leave(SenderLimits *sender) {
        Map **home = sender->home;

        if (sender->limits)
                return;
        map_remove(*home, text_of(sender->name));
        free(sender);
        if (map_count(*home) > 0)
                return;
        map_free(*home);
        *home = NULL;
}

static Limit **limit_list(Directory *directory, const DirectoryChange *change) {
        switch (change->subject) {
        case LIMIT_OF_PLAN:
                return &directory_tenant_of(directory, change->subject_id)->plan_rows;
        case LIMIT_OF_TENANT:
                return &directory_tenant_of(directory, change->subject_id)->limits;
        case LIMIT_OF_ACCOUNT:
                return &directory_account_of(directory, change->subject_id)->limits;
        case LIMIT_OF_AGENT:
                return &directory_agent_of(directory, change->subject_id)->limits;
        case LIMIT_OF_GRANT:
                return &grant_of(directory, change->subject_id)->limits;
        case LIMIT_OF_DOMAIN:
                return &domain_of(directory, change->name)->limits;
        case LIMIT_OF_SENDER:
                return &sender_of(directory, change)->limits;
        case LIMIT_OF_INSTALLATION:
        case LIMIT_SUBJECT_COUNT:
                break;
        }
        return &directory->limits;
}

static Limit *limit_unlink(LimitPlace *place, Uuid id) {
        Limit *limit = NULL;

        for (Limit **each = place->list; *each && !limit;)
                if (uuid_equal((*each)->id, id)) {
                        limit = *each;
                        *each = limit->next;
                } else
                        each = &(*each)->next;
        if (place->sender)
                sender_leave(place->sender);
        place->sender = NULL;
        return limit;
}

static void limit_hang(Directory *directory, const DirectoryChange *change, Limit *limit) {
        Limit **list = limit_list(directory, change);
        LimitPlace *place = place_put(directory, change->id, list);

        if (change->subject == LIMIT_OF_PLAN)
                place->tenant = directory_tenant_of(directory, change->subject_id);
        if (change->subject == LIMIT_OF_SENDER)
                place->sender = sender_of(directory, change);
        limit->next = *list;
        *list = limit;
}

static Limit *limit_new(const DirectoryChange *change) {
        Limit *limit = memory_new(sizeof(*limit));

        limit->id = change->id;
        limit->subject = change->subject;
        limit->what = change->what;
        return limit;
}

void directory_apply_limit(Directory *directory, const DirectoryChange *change) {
        LimitPlace *place = map_get(directory->limit_places, MAP_KEY(change->id));
        Tenant *before = place ? place->tenant : NULL, *after = NULL;
        Limit *limit = place ? limit_unlink(place, change->id) : NULL;

        if (change->gone) {
                free(limit);
                place_remove(directory, change->id);
        } else {
                if (limit && (limit->what != change->what || limit->subject != change->subject)) {
                        free(limit);
                        limit = NULL;
                }
                if (!limit)
                        limit = limit_new(change);
                limit_change(limit, change->window_us, change->amount);
                limit_hang(directory, change, limit);
                if (change->subject == LIMIT_OF_PLAN)
                        after = directory_tenant_of(directory, change->subject_id);
        }
        if (before && before != after)
                tenant_plan(directory, before);
        if (after)
                tenant_plan(directory, after);
}

static Limit *sender_limits(Map *senders, Text name) {
        const SenderLimits *sender = senders ? map_get(senders, name) : NULL;
        return sender ? sender->limits : NULL;
}

/* Who is a domain himself is found by it alone. */
static void senders_list(const Directory *directory, const Sender *sender, const Tenant *tenant, Limit **ret_lists) {
        bool person = sender->bare.length != sender->domain.length;

        ret_lists[0] = person ? sender_limits(tenant->senders, sender->bare) : NULL;
        ret_lists[1] = sender_limits(tenant->senders, sender->domain);
        ret_lists[2] = person ? sender_limits(directory->senders, sender->bare) : NULL;
        ret_lists[3] = sender_limits(directory->senders, sender->domain);
}

/* Every list that concerns a message; a list may be NULL. */
static void lists_of(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                     Limit *ret_lists[static LIMIT_LISTS]) {
        const DomainLimits *domain = map_get(directory->domain_limits, sender->domain);

        ret_lists[LIMIT_OF_INSTALLATION] = directory->limits;
        ret_lists[LIMIT_OF_PLAN] = agent->tenant->plan_limits;
        ret_lists[LIMIT_OF_TENANT] = agent->tenant->limits;
        ret_lists[LIMIT_OF_ACCOUNT] = sender->account ? sender->account->limits : NULL;
        ret_lists[LIMIT_OF_AGENT] = agent->limits;
        ret_lists[LIMIT_OF_GRANT] = grant ? grant->limits : NULL;
        ret_lists[LIMIT_OF_DOMAIN] = domain ? domain->limits : NULL;
        senders_list(directory, sender, agent->tenant, ret_lists + LIMIT_OF_SENDER);
}

static void list_untold(Directory *directory, Limit *const *lists, LimitWhat what) {
        for (size_t i = 0; i < LIMIT_LISTS; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next) {
                        if (limit->what != what || limit->window_us == 0 || limit->listed)
                                continue;
                        if (directory->untold_count == directory->untold_capacity) {
                                directory->untold_capacity = 2 * directory->untold_capacity + 64;
                                directory->untold = memory_resize(
                                        directory->untold, directory->untold_capacity * sizeof(*directory->untold));
                        }
                        limit->listed = true;
                        directory->untold[directory->untold_count++] = limit->id;
                }
}

bool directory_untold(Directory *directory, int64_t monotonic_us, Uuid *ret_limit, int64_t *ret_amount) {
        while (directory->untold_count > 0) {
                *ret_limit = directory->untold[--directory->untold_count];
                Limit *limit = directory_limit(directory, *ret_limit);
                if (!limit)
                        continue;
                int64_t used = limit_used(limit, monotonic_us);
                *ret_amount = limit->untold < used ? limit->untold : used;
                limit->untold = 0;
                limit->listed = false;
                return true;
        }
        return false;
}

void directory_subtract(Directory *directory, Uuid id, int64_t amount, int64_t monotonic_us) {
        Limit *limit = directory_limit(directory, id);

        if (limit && amount > 0)
                limit_subtract(limit, amount, monotonic_us);
}

void directory_share(Directory *directory, const LevelElsewhere *elsewhere, size_t count) {
        Limit *limit;

        for (size_t i = 0; i < directory->shared_count; i++)
                if ((limit = directory_limit(directory, directory->shared[i])))
                        limit_share(limit, NULL);
        directory->shared = memory_resize(directory->shared, (count + 1) * sizeof(*directory->shared));
        directory->shared_count = count;
        for (size_t i = 0; i < count; i++) {
                directory->shared[i] = elsewhere[i].limit;
                if ((limit = directory_limit(directory, elsewhere[i].limit)))
                        limit_share(limit, &elsewhere[i]);
        }
}

void directory_divide(Directory *directory, int32_t hubs) {
        directory->hubs = hubs;
}

LimitVerdict directory_take(Directory *directory, const Sender *sender, Agent *agent, const Grant *grant,
                            LimitWhat what, int64_t amount, int64_t monotonic_us) {
        Limit *lists[LIMIT_LISTS];

        lists_of(directory, sender, agent, grant, lists);
        LimitVerdict verdict = limits_take(lists, COUNT_OF(lists), what, amount, monotonic_us, directory->hubs);
        if (!verdict.refused)
                list_untold(directory, lists, what);
        return verdict;
}

LimitVerdict directory_ask(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                           LimitWhat what, int64_t amount, int64_t monotonic_us) {
        Limit *lists[LIMIT_LISTS];

        lists_of(directory, sender, agent, grant, lists);
        return limits_ask(lists, COUNT_OF(lists), what, amount, monotonic_us, directory->hubs);
}

const Limit *directory_charge(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                              LimitWhat what, int64_t amount, int64_t monotonic_us) {
        Limit *lists[LIMIT_LISTS];

        lists_of(directory, sender, agent, grant, lists);
        const Limit *near = limits_charge(lists, COUNT_OF(lists), what, amount, monotonic_us, directory->hubs);
        list_untold(directory, lists, what);
        return near;
}

int64_t directory_least(Directory *directory, const Sender *sender, const Agent *agent, const Grant *grant,
                        LimitWhat what) {
        Limit *lists[LIMIT_LISTS];

        lists_of(directory, sender, agent, grant, lists);
        const Limit *least = limits_least(lists, COUNT_OF(lists), what);
        return least ? least->amount : INT64_MAX;
}

static Gauge *gauge_of(Gauge **place, Limit **first, Limit **second) {
        if (!*place) {
                *place = memory_new(sizeof(**place));
                (*place)->lists[0] = first;
                (*place)->lists[1] = second;
        }
        return *place;
}

Gauges directory_gauges(Directory *directory, const Sender *sender, Agent *agent) {
        Tenant *tenant = agent->tenant;
        Account *account = (Account *) sender->account;

        return (Gauges){ { gauge_of(&directory->gauge, &directory->limits, NULL),
                           gauge_of(&tenant->gauge, &tenant->plan_limits, &tenant->limits),
                           account ? gauge_of(&account->gauge, &account->limits, NULL) : NULL,
                           gauge_of(&agent->gauge, &agent->limits, NULL) } };
}

LimitVerdict directory_hold(const Directory *directory, const Gauge *gauge, LimitWhat what) {
        return gauge_ask(gauge, what, directory->hubs);
}

static const Gauge *gauge_find(const Directory *directory, const LimitUse *use) {
        const Text id = MAP_KEY(use->subject_id);
        const Account *account = use->subject == LIMIT_OF_ACCOUNT ? map_get(directory->accounts, id) : NULL;
        const Agent *agent = use->subject == LIMIT_OF_AGENT ? map_get(directory->agents, id) : NULL;
        const Tenant *tenant = use->subject == LIMIT_OF_TENANT || use->subject == LIMIT_OF_PLAN
                                       ? map_get(directory->tenants, id)
                                       : NULL;

        return account                                 ? account->gauge
               : agent                                 ? agent->gauge
               : tenant                                ? tenant->gauge
               : use->subject == LIMIT_OF_INSTALLATION ? directory->gauge
                                                       : NULL;
}

void directory_use(const Directory *directory, LimitUse *use, int64_t monotonic_us) {
        LimitKind kind = limit_facts[use->what].kind;
        bool bucket = kind == LIMIT_IS_RATE;
        const Limit *limit = directory_limit(directory, use->id);
        const Gauge *gauge = kind == LIMIT_IS_GAUGE ? gauge_find(directory, use) : NULL;

        use->known = bucket ? limit != NULL : kind == LIMIT_IS_GAUGE;
        use->used = bucket && limit ? limit_used(limit, monotonic_us) : 0;
        if (gauge)
                use->used = use->what == LIMIT_TURNS ? gauge->turns : gauge->waiting;
        if (kind == LIMIT_IS_GAUGE && limit)
                use->used += limit->elsewhere;
}
