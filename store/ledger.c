#include "store/ledger.h"

#include "base/clock.h"
#include "base/map.h"
#include "store/columns.h"

#include <stdio.h>

#define MINUTE_US (60 * SECONDS)
#define DAY_US    (86400 * SECONDS)
#define LATE_DAYS 7 /* messages that took longer to be answered are not looked for */

/* A tenant's windows at the moment that is asked for. */
typedef struct TenantCalendar {
        Uuid tenant_id;
        char *zone;
        int32_t billing_day;
        int64_t begins_us[BUDGET_WINDOW_COUNT], ends_us[BUDGET_WINDOW_COUNT];
} TenantCalendar;

typedef struct Reading {
        const LedgerTakers *takers;
        Map *calendars; /* by tenant */
        int64_t now_us;
} Reading;

static void reading_release(Reading *reading) {
        TenantCalendar *calendar;
        for (size_t i = 0; (calendar = map_each(reading->calendars, &i));) {
                free(calendar->zone);
                free(calendar);
        }
        map_free(reading->calendars);
}

static bool take_calendar(void *taker, const Rows *rows, Failure *reterr_failure) {
        Reading *reading = taker;
        TenantCalendar *calendar = memory_new(sizeof(*calendar));
        (void) reterr_failure;
        calendar->tenant_id = rows_uuid(rows, 0, 0);
        calendar->zone = text_keep(rows_text(rows, 0, 1));
        calendar->billing_day = (int32_t) rows_integer(rows, 0, 2);
        calendar->begins_us[BUDGET_MINUTE] = reading->now_us - reading->now_us % MINUTE_US;
        calendar->ends_us[BUDGET_MINUTE] = calendar->begins_us[BUDGET_MINUTE] + MINUTE_US;
        for (int window = BUDGET_DAY; window <= BUDGET_MONTH; window++) {
                int column = 3 + 2 * (window - BUDGET_DAY);
                calendar->begins_us[window] = rows_time(rows, 0, column);
                calendar->ends_us[window] = rows_time(rows, 0, column + 1);
        }
        map_put(reading->calendars, MAP_KEY(calendar->tenant_id), calendar);
        return true;
}

static BudgetParties parties_at(const Rows *rows, int column) {
        return (BudgetParties){ .tenant_id = rows_uuid(rows, 0, column),
                                .agent_id = rows_uuid(rows, 0, column + 1),
                                .account_id = rows_uuid(rows, 0, column + 2),
                                .grant_id = rows_uuid(rows, 0, column + 3),
                                .domain = rows_text(rows, 0, column + 4) };
}

static BudgetAmounts amounts_at(const Rows *rows, int column) {
        return (BudgetAmounts){ { rows_integer(rows, 0, column), rows_integer(rows, 0, column + 1) } };
}

static bool take_sum(void *taker, const Rows *rows, Failure *reterr_failure) {
        const Reading *reading = taker;
        LedgerSum sum = { .parties = parties_at(rows, 0) };
        const TenantCalendar *calendar = map_get(reading->calendars, MAP_KEY(sum.parties.tenant_id));
        for (int window = 0; window < BUDGET_WINDOW_COUNT; window++) {
                sum.spent[window] = amounts_at(rows, 5 + 2 * window);
                sum.installation[window] = amounts_at(rows, window == BUDGET_MINUTE ? 5 : 9 + 2 * window);
                sum.ends_us[window] = calendar->ends_us[window];
        }
        return reading->takers->sum(reading->takers->taker, &sum, reterr_failure);
}

static bool take_open(void *taker, const Rows *rows, Failure *reterr_failure) {
        const Reading *reading = taker;
        LedgerOpen open = {
                .message_id = rows_uuid(rows, 0, 0),
                .parties = parties_at(rows, 1),
                .hub = rows_text(rows, 0, 6),
                .epoch = rows_integer(rows, 0, 7),
                .taken_up = (int32_t) rows_integer(rows, 0, 8),
                .presumed = (int32_t) rows_integer(rows, 0, 9),
                .spent = amounts_at(rows, 10),
        };
        const TenantCalendar *calendar = map_get(reading->calendars, MAP_KEY(open.parties.tenant_id));
        if (!calendar)
                return true; /* of a tenant that was made since */
        open.zone = text_of(calendar->zone);
        open.billing_day = calendar->billing_day;
        return reading->takers->open(reading->takers->taker, &open, reterr_failure);
}

static bool take_total(void *taker, const Rows *rows, Failure *reterr_failure) {
        const Reading *reading = taker;
        LedgerTotal total = { .message_id = rows_uuid(rows, 0, 0),
                              .spent = amounts_at(rows, 1),
                              .concluded_for_s = rows_is_null(rows, 0, 3) ? -1 : rows_integer(rows, 0, 3) };
        return reading->takers->total(reading->takers->taker, &total, reterr_failure);
}

static bool read_sums(Transaction *transaction, Reading *reading, Failure *reterr_failure) {
        const TenantCalendar *utc = map_get(reading->calendars, MAP_KEY(installation_tenant_id));
        Column tenants = { 0 }, days = { 0 }, months = { 0 };
        const TenantCalendar *calendar;
        struct tm parts;
        time_t now = (time_t) (reading->now_us / SECONDS);
        if (!utc)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "the installation is no tenant");
        gmtime_r(&now, &parts);
        int64_t day_us = reading->now_us - reading->now_us % DAY_US;
        int64_t month_us = day_us - (parts.tm_mday - 1) * DAY_US;
        column_start(&tenants, OID_UUID);
        column_start(&days, OID_TIMESTAMPTZ);
        column_start(&months, OID_TIMESTAMPTZ);
        for (size_t i = 0; (calendar = map_each(reading->calendars, &i));) {
                column_uuid(&tenants, calendar->tenant_id);
                column_time(&days, calendar->begins_us[BUDGET_DAY]);
                column_time(&months, calendar->begins_us[BUDGET_MONTH]);
        }
        int64_t oldest_us = month_us;
        for (size_t i = 0; (calendar = map_each(reading->calendars, &i));)
                if (calendar->begins_us[BUDGET_MONTH] < oldest_us)
                        oldest_us = calendar->begins_us[BUDGET_MONTH];
        bool done = true;
        for (int64_t of_us = oldest_us - LATE_DAYS * DAY_US; done && of_us < day_us + 2 * DAY_US; of_us += DAY_US)
                done = transaction_stream(transaction, QUERY_LEDGER_SUMS,
                                          VALUES(value_time(reading->now_us - reading->now_us % MINUTE_US),
                                                 value_time(day_us), column_value(&tenants), column_value(&days),
                                                 column_value(&months), value_time(month_us), value_time(of_us),
                                                 value_boolean(of_us >= day_us && of_us < day_us + DAY_US)),
                                          take_sum, reading, reterr_failure);
        column_release(&tenants);
        column_release(&days);
        column_release(&months);
        return done;
}

bool ledger_read(Database *database, int64_t now_us, const Uuid *messages, size_t message_count,
                 const LedgerTakers *takers, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        _cleanup_(reading_release) Reading reading = { takers, map_new(64), now_us };
        return database_stream(database, DATABASE_DIRECTORY, QUERY_LEDGER_CALENDARS, VALUES(value_time(now_us)),
                               take_calendar, &reading, reterr_failure) &&
               transaction_begin(database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction, reterr_failure) &&
               transaction_run(transaction, QUERY_LEDGER_SNAPSHOT, NO_VALUES, NULL, reterr_failure) &&
               read_sums(transaction, &reading, reterr_failure) &&
               transaction_stream(transaction, QUERY_LEDGER_OPEN, NO_VALUES, take_open, &reading, reterr_failure) &&
               transaction_stream(transaction, QUERY_LEDGER_TOTALS, VALUES(value_uuids(messages, message_count)),
                                  take_total, &reading, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

bool ledger_totals(Database *database, const Uuid *messages, size_t count, const LedgerTakers *takers,
                   Failure *reterr_failure) {
        _cleanup_(reading_release) Reading reading = { takers, map_new(1), 0 };
        return database_stream(database, DATABASE_JOURNAL, QUERY_LEDGER_TOTALS, VALUES(value_uuids(messages, count)),
                               take_total, &reading, reterr_failure);
}

bool ledger_prices(Database *database, const Uuid *agents, size_t count, LedgerPrice **ret_prices, size_t *ret_count,
                   Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_DIRECTORY, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_LEDGER_PRICES, VALUES(value_uuids(agents, count)), &rows,
                             reterr_failure))
                return false;
        *ret_count = rows_count(rows);
        *ret_prices = memory_new(sizeof(LedgerPrice) * (*ret_count + 1));
        for (size_t i = 0; i < *ret_count; i++)
                (*ret_prices)[i] = (LedgerPrice){ rows_uuid(rows, i, 0), rows_integer(rows, i, 1),
                                                  rows_integer(rows, i, 2), rows_integer(rows, i, 3) };
        return true;
}

bool ledger_leases(Database *database, LedgerLease **ret_leases, size_t *ret_count, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_LEASE_LIST, NO_VALUES, &rows, reterr_failure))
                return false;
        *ret_count = rows_count(rows);
        *ret_leases = memory_new(sizeof(LedgerLease) * (*ret_count + 1));
        for (size_t i = 0; i < *ret_count; i++) {
                LedgerLease *lease = &(*ret_leases)[i];
                snprintf(lease->hub, sizeof(lease->hub), "%.*s", TEXT_ARGUMENTS(rows_text(rows, i, 0)));
                lease->epoch = rows_integer(rows, i, 1);
                lease->beats = rows_integer(rows, i, 2);
                lease->released = rows_boolean(rows, i, 4);
        }
        return true;
}
