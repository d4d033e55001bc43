/* Policies as the core asks them: before a message is accepted, and once more before its turn. */
#include "orchestrator/core.h"
#include "tests/unit/orchestrator/rig.h"

static void tenant_policy(Rig *rig, Uuid tenant, const char *policy, uint8_t mark) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_POLICY,
                                           .id = tenant,
                                           .tenant_id = tenant,
                                           .policy = text_of(policy),
                                           .policy_hash = { mark } });
}

static const Failure *refusal(const Rig *rig) {
        const Command *command = rig_command(rig, COMMAND_REFUSE, 0);
        return command ? &command->arrival.failure : NULL;
}

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig_start(rig);
}

START_TEST(whom_the_tenant_does_not_admit_is_refused_before_the_commit) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        tenant_policy(&rig, rig_acme, "{\"sender_domains\":[\"example.net\"]}", 1);
        rig_say(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "hello" });
        ck_assert_ptr_nonnull(refusal(&rig));
        ck_assert_int_eq(refusal(&rig)->kind, FAILURE_POLICY);
        ck_assert_str_eq(refusal(&rig)->text, "desk does not answer people of example.org.");
        /* Who may not know of the agent hears what he always heard. */
        rig_say(&rig, (Said){ .from = "eve@example.org/x", .agent = "desk.acme", .body = "hello" });
        ck_assert_int_eq(refusal(&rig)->kind, FAILURE_NOT_FOUND);
        /* Another tenant's agents are not concerned; nor are commands. */
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "open.zeta", .body = "there" });
        rig_accept(&rig,
                   (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "/status", .command = true });
        tenant_policy(&rig, rig_acme, "", 0);
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "again" });
}
END_TEST

START_TEST(what_waits_is_asked_again_before_its_turn) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "first" });
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "second" });
        tenant_policy(&rig, rig_acme, "{\"hours\":\"sat 10:00-10:01\"}", 1);
        rig_answer(&rig, rig_turn(&rig, "first"), "yes");
        rig_settle(&rig);
        for (size_t i = 0; i < rig.turn_count; i++)
                ck_assert(!text_equal(rig.turns[i].input->body, TEXT("second")));
        ck_assert_int_eq(core_counts(rig.core).waiting_in_lanes, 0);
        ck_assert_int_eq(core_counts(rig.core).concluded, 2);
}
END_TEST

START_TEST(a_turn_is_told_which_policy_its_tenant_has) {
        _cleanup_(rig_release) Rig rig;
        static const Hash none;

        setup(&rig);
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "before", .thread = "a" });
        ck_assert_mem_eq(&rig_turn(&rig, "before")->input->tenant_policy, &none, sizeof(none));
        tenant_policy(&rig, rig_acme, "{}", 7);
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "after", .thread = "b" });
        ck_assert_int_eq(rig_turn(&rig, "after")->input->tenant_policy.bytes[0], 7);
}
END_TEST

START_TEST(a_policy_that_cannot_be_read_admits_nobody) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        tenant_policy(&rig, rig_acme, "{\"hours\":\"in a while\"}", 1);
        rig_say(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "hello" });
        ck_assert_int_eq(refusal(&rig)->kind, FAILURE_POLICY);
}
END_TEST

UNIT_TESTS("orchestrator/policies", whom_the_tenant_does_not_admit_is_refused_before_the_commit,
           what_waits_is_asked_again_before_its_turn, a_turn_is_told_which_policy_its_tenant_has,
           a_policy_that_cannot_be_read_admits_nobody)
