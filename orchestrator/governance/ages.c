#include "orchestrator/governance/ages.h"

#define LONGEST_DAYS 36500 /* what is more is kept for ever */

static void narrow(LimitWhat what, int64_t *days, int64_t by) {
        if (limit_is_wider(what, *days, by))
                *days = by;
}

static int64_t days_of(const Plans *plans, LimitWhat what, const Rows *rows, size_t row, int absent) {
        bool planned = !uuid_equal(rows_uuid(rows, row, 0), installation_tenant_id);
        const PlanFigure *figure = planned ? plan_figure(plan_of(plans, rows_text(rows, row, 1)), what, 0) : NULL;
        bool own = !rows_is_null(rows, row, 2), narrowed = !rows_is_null(rows, row, 3);
        int64_t days = own ? rows_integer(rows, row, 2) : figure ? figure->amount : narrowed ? 0 : absent;

        if (narrowed)
                narrow(what, &days, rows_integer(rows, row, 3));
        return days > LONGEST_DAYS ? 0 : days;
}

static void group_add(Ages *ages, int days, Uuid tenant_id) {
        AgeGroup *group = ages->groups;

        while (group < ages->groups + ages->count && group->days != days)
                group++;
        if (group == ages->groups + ages->count) {
                ages->groups = memory_resize(ages->groups, (ages->count + 1) * sizeof(*ages->groups));
                group = &ages->groups[ages->count++];
                *group = (AgeGroup){ .days = days };
        }
        group->tenants = memory_resize(group->tenants, (group->count + 1) * sizeof(*group->tenants));
        group->tenants[group->count++] = tenant_id;
}

bool ages_read(Database *database, const Plans *plans, LimitWhat what, int bound, int absent, Ages **ret_ages,
               Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;

        if (!transaction_begin(database, DATABASE_DIRECTORY, (Uuid){ 0 }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_KEEP_FIGURES, VALUES(value_string(limit_what_name(what))), &rows,
                             reterr_failure))
                return false;
        Ages *ages = *ret_ages = memory_new(sizeof(*ages));
        for (size_t row = 0; row < rows_count(rows); row++) {
                int64_t days = days_of(plans, what, rows, row, absent);
                narrow(what, &days, bound);
                if (days > 0)
                        group_add(ages, (int) days, rows_uuid(rows, row, 0));
        }
        return true;
}

void ages_free(Ages *ages) {
        for (size_t i = 0; i < ages->count; i++)
                free(ages->groups[i].tenants);
        free(ages->groups);
        free(ages);
}
