#include "orchestrator/governance/events.h"

#include "tests/unit/unit.h"

#include <string.h>

START_TEST(table_is_in_order_and_says_something_of_each) {
        for (const EventType *event = event_types; event->type; event++) {
                ck_assert(!event[1].type || strcmp(event->type, event[1].type) < 0);
                ck_assert(strcmp(event->severity, "info") == 0 || strcmp(event->severity, "warning") == 0 ||
                          strcmp(event->severity, "critical") == 0);
                ck_assert(event->sentence[strlen(event->sentence) - 1] == '.');
        }
}
END_TEST

START_TEST(operations_share_one_type_and_the_unknown_has_none) {
        const EventType *paused = event_type_find(TEXT("operation.agent-pause"));
        ck_assert_ptr_nonnull(paused);
        ck_assert_str_eq(paused->type, "operation.NAME");
        ck_assert_ptr_nonnull(event_type_find(TEXT("message.concluded")));
        ck_assert_ptr_null(event_type_find(TEXT("message.conclude")));
        ck_assert_ptr_null(event_type_find(TEXT("message.concluded.")));
        ck_assert_ptr_null(event_type_find(TEXT("")));
}
END_TEST

UNIT_TESTS("governance/events", table_is_in_order_and_says_something_of_each,
           operations_share_one_type_and_the_unknown_has_none)
