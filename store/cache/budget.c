#include "store/cache/budget.h"

#include "base/crypto.h"
#include "store/cache/budget_line.h"

#include <assert.h>
#include <stdio.h>

#define CLEAN_AT_ONE 100 /* accounts: Redis does nothing else meanwhile */

static const char *const answer_names[BUDGET_ANSWER_COUNT] = {
        "done", "waits", "refused", "gone", "closed", "outside"
};

static int64_t number_at(const redisReply *reply, size_t index) {
        return index < reply->elements ? reply->element[index]->integer : 0;
}

static bool read_answer(const redisReply *reply, BudgetReply *ret_reply, Failure *reterr_failure) {
        *ret_reply = (BudgetReply){ .answer = BUDGET_CLOSED, .budget = -1 };
        if (!reply)
                return true;
        const char *name = reply->elements > 0 && reply->element[0]->str ? reply->element[0]->str : "";
        for (int i = 0; i < BUDGET_ANSWER_COUNT; i++)
                if (strcmp(name, answer_names[i]) == 0) {
                        ret_reply->answer = (BudgetAnswer) i;
                        ret_reply->now_us = number_at(reply, 1);
                        return true;
                }
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache answers what no script of ours does");
}

static bool run(BudgetCache *cache, BudgetScript script, Arguments *arguments, BudgetReply *ret_reply,
                Failure *reterr_failure) {
        _reply_ *reply = NULL;
        return budget_ask(cache, script, arguments, &reply, reterr_failure) &&
               read_answer(reply, ret_reply, reterr_failure);
}

bool budget_account(BudgetSubject subject, const BudgetParties *parties, char ret_name[static BUDGET_ACCOUNT_SIZE]) {
        const struct {
                char letter;
                bool within_tenant;
                Uuid id;
        } kinds[BUDGET_SUBJECT_COUNT] = {
                [BUDGET_OF_INSTALLATION] = { 'i', false, { { 0 } } },
                [BUDGET_OF_TENANT] = { 't', false, parties->tenant_id },
                [BUDGET_OF_AGENT] = { 'a', false, parties->agent_id },
                [BUDGET_OF_ACCOUNT] = { 'p', true, parties->account_id },
                [BUDGET_OF_GRANT] = { 'g', false, parties->grant_id },
                [BUDGET_OF_DOMAIN] = { 'd', true, { { 0 } } },
        };
        Uuid id = kinds[subject].id;
        if (subject == BUDGET_OF_DOMAIN && parties->domain.length > 0) {
                Hash hash = crypto_sha256(parties->domain);
                memcpy(id.bytes, hash.bytes, sizeof(id.bytes));
        }
        if (subject != BUDGET_OF_INSTALLATION && uuid_is_zero(id))
                return false;
        TextBuilder name = text_builder(BUDGET_ACCOUNT_SIZE);
        text_add_char(&name, kinds[subject].letter);
        if (kinds[subject].within_tenant)
                text_add_hex(&name, parties->tenant_id.bytes, sizeof(id.bytes));
        if (subject != BUDGET_OF_INSTALLATION)
                text_add_hex(&name, id.bytes, sizeof(id.bytes));
        snprintf(ret_name, BUDGET_ACCOUNT_SIZE, "%s", name.bytes);
        text_builder_release(&name);
        return true;
}

typedef struct Accounts {
        char names[BUDGET_SUBJECT_COUNT][BUDGET_ACCOUNT_SIZE];
        int count;
        int places[BUDGET_SUBJECT_COUNT]; /* of each subject among the names, from 1; 0 = it has none */
} Accounts;

static void accounts_of(const BudgetParties *parties, Accounts *ret_accounts) {
        ret_accounts->count = 0;
        for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++) {
                bool has = budget_account((BudgetSubject) i, parties, ret_accounts->names[ret_accounts->count]);
                ret_accounts->places[i] = has ? ++ret_accounts->count : 0;
        }
}

static void add_accounts(Arguments *arguments, const Accounts *accounts) {
        for (int i = 0; i < accounts->count; i++)
                add_string(arguments, accounts->names[i]);
}

static void add_calendars(Arguments *arguments, const BudgetCalendars *calendars) {
        const BudgetCalendar *each[] = { &calendars->installation, &calendars->tenant };
        for (int i = 0; i < 2; i++)
                for (int window = BUDGET_DAY; window <= BUDGET_MONTH; window++) {
                        add_number(arguments, each[i]->begins_us[window]);
                        add_number(arguments, each[i]->ends_us[window]);
                }
}

/* What most scripts begin with. */
static void arguments_about(Arguments *arguments, const char *generation, const Uuid *message_id) {
        arguments_start(arguments, generation);
        add_bytes(arguments, message_id->bytes, sizeof(message_id->bytes));
}

bool budget_cache_reserve(BudgetCache *cache, const char *generation, const BudgetCalendars *calendars,
                          const BudgetAsk *asked, BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        Accounts accounts;
        _reply_ *reply = NULL;
        assert(asked->budget_count <= BUDGET_BUDGETS_MOST);
        arguments_about(&arguments, generation, &asked->message_id);
        accounts_of(asked->parties, &accounts);
        add_string(&arguments, asked->owner);
        add_bytes(&arguments, asked->zone.bytes, asked->zone.length);
        add_accounts(&arguments, &accounts);
        add_number(&arguments, asked->ordinal);
        add_calendars(&arguments, calendars);
        add_amounts(&arguments, asked->spent);
        add_amounts(&arguments, asked->least);
        add_amounts(&arguments, asked->most);
        for (size_t i = 0; i < asked->budget_count; i++) {
                const Budget *budget = &asked->budgets[i];
                if (accounts.places[budget->subject] == 0)
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "a budget of nobody cannot be checked");
                add_number(&arguments, accounts.places[budget->subject]);
                add_number(&arguments, budget->unit + 1);
                add_number(&arguments, budget->window + 1);
                add_number(&arguments, budget->amount);
        }
        if (!budget_ask(cache, SCRIPT_RESERVE, &arguments, &reply, reterr_failure) ||
            !read_answer(reply, ret_reply, reterr_failure))
                return false;
        if (!reply || ret_reply->answer > BUDGET_REFUSED)
                return true;
        ret_reply->amounts = (BudgetAmounts){ { number_at(reply, 1), number_at(reply, 2) } };
        ret_reply->budget = number_at(reply, 3);
        ret_reply->spent = number_at(reply, 4);
        ret_reply->ends_us = number_at(reply, 5);
        ret_reply->now_us = number_at(reply, 6);
        return true;
}

bool budget_cache_sent(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal, const char *owner,
                       BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_about(&arguments, generation, &message_id);
        add_number(&arguments, ordinal);
        add_string(&arguments, owner);
        return run(cache, SCRIPT_SENT, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_release(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal,
                          BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_about(&arguments, generation, &message_id);
        add_number(&arguments, ordinal);
        return run(cache, SCRIPT_RELEASE, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_settle(BudgetCache *cache, const char *generation, const BudgetCalendars *calendars, Uuid message_id,
                         int32_t ordinal, BudgetAmounts total, BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_about(&arguments, generation, &message_id);
        add_number(&arguments, ordinal);
        add_calendars(&arguments, calendars);
        add_amounts(&arguments, total);
        return run(cache, SCRIPT_SETTLE, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_presume(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal,
                          BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        _reply_ *reply = NULL;
        arguments_about(&arguments, generation, &message_id);
        add_number(&arguments, ordinal);
        if (!budget_ask(cache, SCRIPT_PRESUME, &arguments, &reply, reterr_failure) ||
            !read_answer(reply, ret_reply, reterr_failure))
                return false;
        if (reply)
                ret_reply->amounts = (BudgetAmounts){ { number_at(reply, 1), number_at(reply, 2) } };
        return true;
}

bool budget_cache_recover(BudgetCache *cache, const char *generation, Uuid message_id, const char *owner,
                          BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_about(&arguments, generation, &message_id);
        add_string(&arguments, owner);
        return run(cache, SCRIPT_RECOVER, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_look(BudgetCache *cache, const char *generation, const char *account, BudgetAccount *ret_account,
                       BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        _reply_ *reply = NULL;
        arguments_start(&arguments, generation);
        add_string(&arguments, account);
        if (!budget_ask(cache, SCRIPT_LOOK, &arguments, &reply, reterr_failure) ||
            !read_answer(reply, ret_reply, reterr_failure))
                return false;
        if (!reply)
                return true;
        for (size_t unit = 0; unit < BUDGET_UNIT_COUNT; unit++) {
                ret_account->held.units[unit] = number_at(reply, 1 + unit);
                for (size_t window = 0; window < BUDGET_WINDOW_COUNT; window++)
                        ret_account->spent[window].units[unit] = number_at(reply, 6 + 2 * window + unit);
        }
        for (size_t window = 0; window < BUDGET_WINDOW_COUNT; window++)
                ret_account->ends_us[window] = number_at(reply, 3 + window);
        ret_account->now_us = number_at(reply, 12);
        return true;
}

static void read_open(const redisReply *row, BudgetOpen *open) {
        *open = (BudgetOpen){ .zone = { row->element[2]->str, row->element[2]->len } };
        memcpy(open->message_id.bytes, row->element[0]->str, sizeof(open->message_id.bytes));
        for (size_t i = 3; i + 4 < row->elements && open->call_count < BUDGET_CALLS_MOST; i += 5) {
                BudgetHeld *held = &open->calls[open->call_count++];
                held->ordinal = (int32_t) row->element[i]->integer;
                held->sent = row->element[i + 1]->str && row->element[i + 1]->str[0] == 's';
                held->bound = (BudgetAmounts){ { row->element[i + 2]->integer, row->element[i + 3]->integer } };
                snprintf(held->owner, sizeof(held->owner), "%s", row->element[i + 4]->str);
        }
}

bool budget_cache_list(BudgetCache *cache, const char *generation, int64_t after_us, int64_t before_us, int limit,
                       BudgetTaker take, void *taker, int64_t *ret_last_us, size_t *ret_count,
                       Failure *reterr_failure) {
        Arguments arguments;
        _reply_ *reply = NULL;
        BudgetReply answer;
        arguments_start(&arguments, generation);
        add_number(&arguments, after_us);
        add_number(&arguments, before_us);
        add_number(&arguments, limit);
        *ret_count = 0;
        if (!budget_ask(cache, SCRIPT_LIST, &arguments, &reply, reterr_failure) ||
            !read_answer(reply, &answer, reterr_failure))
                return false;
        for (size_t i = 1; reply && answer.answer == BUDGET_DONE && i < reply->elements; i++) {
                const redisReply *row = reply->element[i];
                BudgetOpen open;
                if (row->elements < 3 || row->element[0]->len != sizeof(open.message_id.bytes))
                        continue;
                read_open(row, &open);
                *ret_last_us = row->element[1]->integer;
                (*ret_count)++;
                take(taker, &open);
        }
        return true;
}

bool budget_cache_lock(BudgetCache *cache, const char *generation, BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        return run(cache, SCRIPT_LOCK, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_renew(BudgetCache *cache, const char *generation, int64_t for_us, BudgetReply *ret_reply,
                        Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        add_number(&arguments, for_us / MILLISECONDS);
        return run(cache, SCRIPT_RENEW, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_join(BudgetCache *cache, const char *generation, const BudgetParties *parties, const BudgetOpen *open,
                       BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        Accounts accounts;
        char count[12];
        arguments_about(&arguments, generation, &open->message_id);
        accounts_of(parties, &accounts);
        snprintf(count, sizeof(count), "%d", accounts.count);
        add_bytes(&arguments, open->zone.bytes, open->zone.length);
        add_string(&arguments, count);
        add_accounts(&arguments, &accounts);
        for (size_t i = 0; i < open->call_count; i++) {
                add_number(&arguments, open->calls[i].ordinal);
                add_amounts(&arguments, open->calls[i].bound);
                add_string(&arguments, open->calls[i].sent ? "s" : "h");
                add_string(&arguments, open->calls[i].owner);
        }
        return run(cache, SCRIPT_JOIN, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_joined(BudgetCache *cache, const char *generation, const char *owner, BudgetReply *ret_reply,
                         Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        add_string(&arguments, owner);
        return run(cache, SCRIPT_JOINED, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_has_joined(BudgetCache *cache, const char *generation, const char *owner, BudgetReply *ret_reply,
                             Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        add_string(&arguments, owner);
        return run(cache, SCRIPT_HAS_JOINED, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_booked(BudgetCache *cache, const char *generation, Uuid message_id, BudgetAmounts total,
                         BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_about(&arguments, generation, &message_id);
        add_amounts(&arguments, total);
        return run(cache, SCRIPT_BOOKED, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_seed(BudgetCache *cache, const char *generation, const char *account, const BudgetAccount *sums,
                       BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        add_string(&arguments, account);
        for (size_t window = 0; window < BUDGET_WINDOW_COUNT; window++)
                add_number(&arguments, sums->ends_us[window]);
        for (size_t window = 0; window < BUDGET_WINDOW_COUNT; window++)
                add_amounts(&arguments, sums->spent[window]);
        return run(cache, SCRIPT_SEED, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_open(BudgetCache *cache, const char *generation, BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        arguments_start(&arguments, generation);
        return run(cache, SCRIPT_OPEN, &arguments, ret_reply, reterr_failure);
}

bool budget_cache_clean(BudgetCache *cache, const char *generation, int64_t before_us,
                        char cursor[static BUDGET_CURSOR_SIZE], BudgetReply *ret_reply, Failure *reterr_failure) {
        Arguments arguments;
        _reply_ *reply = NULL;
        arguments_start(&arguments, generation);
        add_string(&arguments, cursor);
        add_number(&arguments, before_us);
        add_number(&arguments, CLEAN_AT_ONE);
        if (!budget_ask(cache, SCRIPT_CLEAN, &arguments, &reply, reterr_failure) ||
            !read_answer(reply, ret_reply, reterr_failure))
                return false;
        const char *next = reply && reply->elements > 1 ? reply->element[1]->str : NULL;
        snprintf(cursor, BUDGET_CURSOR_SIZE, "%s", next ? next : "0");
        return true;
}
