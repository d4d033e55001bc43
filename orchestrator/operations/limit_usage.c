#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/limit.h"

#include "base/money.h"
#include "orchestrator/governance/plans.h"

#include <stdio.h>

#define FIGURES_LIMIT 64

/* One limit with what is known of its use. */
typedef struct Item {
        LimitUse use;
        Text name;
        int64_t window_us, amount;
        int64_t reserved, ends_us; /* of a budget */
} Item;

typedef struct Items {
        Item *items;
        size_t count, capacity;
} Items;

static void items_add(Items *items, Item item) {
        if (items->count < items->capacity)
                items->items[items->count++] = item;
}

static Item item_of_plan(const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount) {
        return (Item){ .use = { .id = plan_limit_id(context->tenant_id, what, window_us),
                                .subject_id = context->tenant_id,
                                .subject = LIMIT_OF_PLAN,
                                .what = what },
                       .window_us = window_us,
                       .amount = amount };
}

/* What the plan gives, with what stands in its stead. */
static bool add_plan(OperationContext *context, Items *items, Failure *reterr_failure) {
        const Rows *rows;
        LimitWhat what;
        if (!context_run(context, QUERY_PLAN_ROWS, NO_VALUES, &rows, reterr_failure))
                return false;
        const Plan *plan = plan_of(context->operations->hub->plans(context->operations->hub), rows_text(rows, 0, 0));
        size_t own = 0;
        for (size_t i = 0; i < rows_count(rows); i++)
                if (!rows_is_null(rows, i, 1) && limit_what_from_name(rows_text(rows, i, 1), &what)) {
                        items_add(items,
                                  item_of_plan(context, what, rows_integer(rows, i, 2), rows_integer(rows, i, 3)));
                        own++;
                }
        for (size_t i = 0; i < plan->figure_count; i++) {
                const PlanFigure *figure = &plan->figures[i];
                bool replaced = false;
                for (size_t k = 0; k < own; k++)
                        replaced |= items->items[k].use.what == figure->what &&
                                    items->items[k].window_us == figure->window_us;
                if (!replaced)
                        items_add(items, item_of_plan(context, figure->what, figure->window_us, figure->amount));
        }
        return true;
}

/* A row that this version does not know is left out, as it is nowhere counted. */
static void add_row(Items *items, const Rows *rows, size_t row) {
        Uuid id;
        Item item = { .name = rows_text(rows, row, 2),
                      .window_us = rows_integer(rows, row, 4),
                      .amount = rows_integer(rows, row, 5) };
        if (!limit_subject_from_name(rows_text(rows, row, 1), &item.use.subject) ||
            !limit_what_from_name(rows_text(rows, row, 3), &item.use.what) ||
            !uuid_parse(rows_text(rows, row, 0), &id) || item.use.subject == LIMIT_OF_PLAN)
                return;
        item.use.id = id;
        if (!rows_is_null(rows, row, 7))
                item.use.subject_id = rows_uuid(rows, row, 7);
        items_add(items, item);
}

static bool items_ask(OperationContext *context, Items *items, Failure *reterr_failure) {
        Hub *hub = context->operations->hub;
        LimitUse *uses = arena_take_array(context->arena, LimitUse, items->count + 1);
        if (!uses)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many limits: ask for fewer");
        for (size_t i = 0; i < items->count; i++)
                uses[i] = items->items[i].use;
        if (!hub->limits(hub, uses, items->count, reterr_failure))
                return false;
        for (size_t i = 0; i < items->count; i++)
                items->items[i].use = uses[i];
        return true;
}

static bool item_count(OperationContext *context, Item *item, Failure *reterr_failure) {
        Uuid agent_id = item->use.subject == LIMIT_OF_AGENT ? item->use.subject_id : (Uuid){ 0 };
        int64_t of_tenant, of_agent;
        if (limit_facts[item->use.what].kind != LIMIT_IS_COUNT)
                return true;
        if (!limit_count(context, item->use.what, agent_id, &item->use.known, &of_tenant, &of_agent, reterr_failure))
                return false;
        if (item->use.known)
                item->use.used = uuid_is_zero(agent_id) ? of_tenant : of_agent;
        return true;
}

/* What is counted by all hubs together, by parties of messages. What people and domains use is counted in each tenant
 * by itself, and so is no one figure. */
static const struct {
        bool counted;
        BudgetSubject subject;
} budget_subjects[LIMIT_SUBJECT_COUNT] = {
        [LIMIT_OF_INSTALLATION] = { true, BUDGET_OF_INSTALLATION },
        [LIMIT_OF_PLAN] = { true, BUDGET_OF_TENANT },
        [LIMIT_OF_TENANT] = { true, BUDGET_OF_TENANT },
        [LIMIT_OF_AGENT] = { true, BUDGET_OF_AGENT },
};

static bool item_is_budget(const Item *item) {
        return item->use.what == LIMIT_TOKENS || item->use.what == LIMIT_MONEY_NANO;
}

typedef struct Calendar {
        bool read;
        Text zone;
        int32_t billing_day;
} Calendar;

static bool calendar_read(OperationContext *context, Calendar *calendar, Failure *reterr_failure) {
        const Rows *rows;
        if (calendar->read)
                return true;
        if (!context_run(context, QUERY_TENANT_READ, NO_VALUES, &rows, reterr_failure))
                return false;
        *calendar = (Calendar){ true, text_copy(context->arena, rows_text(rows, 0, 9)),
                                (int32_t) rows_integer(rows, 0, 10) };
        return true;
}

static void item_take(Item *item, const BudgetLook *look) {
        BudgetUnit unit = item->use.what == LIMIT_TOKENS ? BUDGET_TOKENS : BUDGET_MONEY;
        BudgetWindow window = item->window_us == LIMIT_MINUTE_US ? BUDGET_MINUTE
                              : item->window_us == LIMIT_DAY_US  ? BUDGET_DAY
                                                                 : BUDGET_MONTH;
        item->use.known = true;
        item->use.used = look->spent[window].units[unit];
        item->reserved = look->held.units[unit];
        item->ends_us = look->ends_us[window];
}

/* Asked once for all limits of a subject. When nobody can say, that is no reason not to show the rest. */
static bool items_ask_budgets(OperationContext *context, Items *items, Failure *reterr_failure) {
        Hub *hub = context->operations->hub;
        Calendar calendar = { 0 };
        BudgetLook look;
        Failure failure;
        for (size_t i = 0; i < items->count; i++) {
                const LimitUse *use = &items->items[i].use;
                if (!item_is_budget(&items->items[i]) || use->known || !budget_subjects[use->subject].counted)
                        continue;
                BudgetSubject subject = budget_subjects[use->subject].subject;
                BudgetParties parties = { .tenant_id = context->tenant_id };
                if (subject == BUDGET_OF_AGENT)
                        parties.agent_id = use->subject_id;
                if (!calendar_read(context, &calendar, reterr_failure))
                        return false;
                if (!hub->budgets(hub, subject, &parties, calendar.zone, calendar.billing_day, &look, &failure))
                        return true;
                for (size_t k = i; k < items->count; k++) {
                        const LimitUse *same = &items->items[k].use;
                        if (item_is_budget(&items->items[k]) && budget_subjects[same->subject].counted &&
                            budget_subjects[same->subject].subject == subject &&
                            (subject != BUDGET_OF_AGENT || uuid_equal(same->subject_id, use->subject_id)))
                                item_take(&items->items[k], &look);
                }
        }
        return true;
}

static int64_t item_left(const Item *item) {
        int64_t taken = item->use.used + item->reserved;
        return item->amount > taken ? item->amount - taken : 0;
}

static void add_amount(TextBuilder *builder, const OperationContext *context, const Item *item, int64_t amount) {
        const char *currency = context->operations->hub->currency;
        char money[MONEY_SIZE];
        if (item->use.what != LIMIT_MONEY_NANO) {
                text_add_format(builder, "%lld", (long long) amount);
                return;
        }
        money_format(amount, money);
        text_add_format(builder, "%s %s", money, currency ? currency : "EUR");
}

/* What of it is used, and what is left, as people read it. A size or an age is not used up. */
static void put_words(Json *json, const OperationContext *context, const Item *item) {
        bool each = item_is_budget(item) && !budget_subjects[item->use.subject].counted;
        const char *words = item_is_budget(item) && !item->use.known ? each ? "in each tenant" : "unknown" : "";
        TextBuilder used = text_builder(0), left = text_builder(0);
        if (item->use.known) {
                add_amount(&used, context, item, item->use.used);
                if (item->reserved > 0) {
                        text_add_string(&used, ", reserved ");
                        add_amount(&used, context, item, item->reserved);
                }
                add_amount(&left, context, item, item_left(item));
        }
        json_put_text(json, "in_use", item->use.known ? text_built(&used) : text_of(words));
        json_put_text(json, "left", item->use.known ? text_built(&left) : text_of(each ? "" : words));
        text_builder_release(&used);
        text_builder_release(&left);
}

static Json *item_json(const OperationContext *context, const Item *item) {
        const LimitUse *use = &item->use;
        Json *json = json_new_object();
        json_put_string(json, "subject", limit_subject_name(use->subject));
        json_put_text_or_null(json, "name", item->name);
        json_put_string(json, "what", limit_what_name(use->what));
        json_put_string(json, "kind", limit_kind_name(limit_facts[use->what].kind));
        json_put(json, "window_seconds",
                 item->window_us ? json_new_integer(item->window_us / SECONDS) : json_new_null());
        json_put_integer(json, "amount", item->amount);
        limit_put_shown(json, context, use->what, item->window_us, item->amount);
        json_put(json, "used", use->known ? json_new_integer(use->used) : json_new_null());
        json_put(json, "reserved",
                 use->known && item_is_budget(item) ? json_new_integer(item->reserved) : json_new_null());
        json_put(json, "remaining", use->known ? json_new_integer(item_left(item)) : json_new_null());
        json_put_time(json, "ends_at", item->ends_us);
        put_words(json, context, item);
        return json;
}

/* The plan's figures stand on the first page, before the rows. */
static bool read_items(OperationContext *context, const Input *input, Items *items, Text *ret_after, bool *ret_more,
                       Failure *reterr_failure) {
        size_t limit = (size_t) input_integer(input, "limit");
        Text after = input_text(input, "after");
        const Rows *rows;
        bool installation = uuid_equal(context->tenant_id, installation_tenant_id);
        items->capacity = limit + FIGURES_LIMIT;
        items->items = arena_take_array(context->arena, Item, items->capacity);
        if (!items->items)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many limits: ask for fewer");
        if (after.length == 0 && !installation && !add_plan(context, items, reterr_failure))
                return false;
        if (!context_run(context, QUERY_LIMITS_LIST, VALUES(value_text(after), value_integer((int64_t) limit + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_more = rows_count(rows) > limit;
        for (size_t i = 0; i < rows_count(rows) && i < limit; i++) {
                add_row(items, rows, i);
                *ret_after = rows_text(rows, i, 0);
        }
        return true;
}

static bool show_usage(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Items items = { 0 };
        Text after = TEXT_NONE;
        bool more;
        if (!read_items(context, input, &items, &after, &more, reterr_failure) ||
            !items_ask(context, &items, reterr_failure) || !items_ask_budgets(context, &items, reterr_failure))
                return false;
        Json *data = json_new_array();
        for (size_t i = 0; i < items.count; i++) {
                if (!item_count(context, &items.items[i], reterr_failure)) {
                        json_free(data);
                        return false;
                }
                json_append(data, item_json(context, &items.items[i]));
        }
        *ret_result = json_new_object();
        json_put_boolean(*ret_result, "has_more", more);
        json_put_text_or_null(*ret_result, "after", more ? after : TEXT_NONE);
        json_put(*ret_result, "data", data);
        return true;
}

const Operation limit_usage = {
        .name = "limit-usage",
        .summary = "Shows how much of its plan and limits a tenant uses, or without a tenant the installation of its "
                   "own: what is spent and reserved of budgets on all hubs, rates and what runs or waits as this one "
                   "has heard of it.",
        .example = "--tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/limits/usage",
        .shared = list_fields,
        .columns = "subject name limit in_use left ends_at",
        .items = "limits",
        .run = show_usage,
};
