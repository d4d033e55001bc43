/* What limits a message, as the directory puts it together: plan, rows in its stead, rows that narrow it; and what
 * several hubs tell each other. */
#include "orchestrator/directory/directory.h"
#include "orchestrator/governance/plans.h"
#include "tests/unit/unit.h"

#define NOW  (1000 * SECONDS)
#define HOUR (3600 * SECONDS)

static const Uuid installation = { { 1 } }, acme = { { 2 } }, desk = { { 4, 1 } }, ann = { { 5, 1 } };

typedef struct Scene {
        Directory *directory;
        Sender ann;
        Agent *desk;
} Scene;

static void apply(Scene *scene, DirectoryChange change) {
        directory_apply(scene->directory, &change);
}

static Scene scene_of(const char *plan) {
        Scene scene = { .directory = directory_new("agents.example", installation) };
        const Text jid = TEXT("ann@example.org");
        Jid who = jid_of_bare(jid);

        directory_set_plans(scene.directory, plans_builtin());
        apply(&scene,
              (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .plan = text_of(plan) });
        apply(&scene, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = ann, .name = jid });
        apply(&scene, (DirectoryChange){ .kind = DIRECTORY_MEMBER, .id = ann, .tenant_id = acme, .role = ROLE_OWNER });
        apply(&scene, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                         .id = desk,
                                         .tenant_id = acme,
                                         .name = TEXT("desk"),
                                         .owner_id = ann,
                                         .owner = jid,
                                         .visibility = VISIBILITY_TENANT });
        scene.ann = directory_sender(scene.directory, &who);
        scene.desk = directory_agent_by_id(scene.directory, desk);
        return scene;
}

static void put(Scene *scene, uint8_t id, LimitSubject subject, LimitWhat what, int64_t window_us, int64_t amount) {
        apply(scene, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                        .id = { { 7, id } },
                                        .tenant_id = acme,
                                        .subject = subject,
                                        .subject_id = subject == LIMIT_OF_AGENT     ? desk
                                                      : subject == LIMIT_OF_ACCOUNT ? ann
                                                                                    : acme,
                                        .what = what,
                                        .window_us = window_us,
                                        .amount = amount });
}

static void take_away(Scene *scene, uint8_t id, LimitSubject subject) {
        apply(scene, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                        .id = { { 7, id } },
                                        .gone = true,
                                        .subject = subject,
                                        .subject_id = acme });
}

static int64_t least(Scene *scene, LimitWhat what) {
        return directory_least(scene->directory, &scene->ann, scene->desk, NULL, what);
}

static LimitVerdict take(Scene *scene, int64_t now_us) {
        return directory_take(scene->directory, &scene->ann, scene->desk, NULL, LIMIT_MESSAGES, 1, now_us);
}

static int take_all(Scene *scene, int64_t now_us) {
        int count = 0;
        while (count < 100000 && !take(scene, now_us).refused)
                count++;
        return count;
}

START_TEST(plan_limits_its_tenants_and_rows_narrow_it) {
        Scene scene = scene_of("free");
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 300);
        ck_assert_int_eq(take_all(&scene, NOW), 60);
        LimitVerdict verdict = take(&scene, NOW);
        ck_assert_int_eq(verdict.subject, LIMIT_OF_PLAN);
        Failure refusal;
        ck_assert(!limit_refuse(&verdict, NOW, &refusal));
        ck_assert_str_eq(refusal.text,
                         "The plan's limit of 60 messages per minute is reached. Try again in 2 seconds.");
        put(&scene, 1, LIMIT_OF_AGENT, LIMIT_TURN_SECONDS, 0, 20);
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 20);
        put(&scene, 2, LIMIT_OF_TENANT, LIMIT_TURN_SECONDS, 0, 900); /* wider: the plan's holds */
        take_away(&scene, 1, LIMIT_OF_AGENT);
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 300);
        directory_free(scene.directory);
}
END_TEST

START_TEST(row_in_the_plans_stead_raises_and_cuts_until_it_goes) {
        Scene scene = scene_of("free");
        put(&scene, 1, LIMIT_OF_PLAN, LIMIT_TURN_SECONDS, 0, 4000);
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 4000);
        put(&scene, 1, LIMIT_OF_PLAN, LIMIT_TURN_SECONDS, 0, 5);
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 5);
        ck_assert_int_eq(least(&scene, LIMIT_TURNS), 2); /* the others stay the plan's */
        take_away(&scene, 1, LIMIT_OF_PLAN);
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), 300);
        put(&scene, 2, LIMIT_OF_PLAN, LIMIT_AGENTS, 0, 1);
        directory_set_plans(scene.directory, NULL); /* without plans the row stands alone */
        ck_assert_int_eq(least(&scene, LIMIT_TURN_SECONDS), INT64_MAX);
        ck_assert_int_eq(least(&scene, LIMIT_AGENTS), 1);
        directory_free(scene.directory);
}
END_TEST

START_TEST(another_plan_keeps_what_was_used) {
        Scene scene = scene_of("free");
        for (int i = 0; i < 50; i++)
                ck_assert(!take(&scene, NOW).refused);
        apply(&scene,
              (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .plan = TEXT("starter") });
        ck_assert_int_eq(take_all(&scene, NOW), 250);
        apply(&scene, (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme") });
        ck_assert_int_eq(take_all(&scene, NOW), 0); /* a change that names no plan leaves it */
        apply(&scene, (DirectoryChange){
                              .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .plan = TEXT("enterprise") });
        ck_assert_int_eq(take_all(&scene, NOW), 100000);
        directory_free(scene.directory);
}
END_TEST

START_TEST(plan_that_nobody_knows_counts_as_free) {
        Scene scene = scene_of("forgotten");
        ck_assert_int_eq(take_all(&scene, NOW), 60);
        directory_free(scene.directory);
}
END_TEST

START_TEST(clock_jumps_of_an_hour_open_and_refuse_nothing_falsely) {
        Scene scene = scene_of("free");
        ck_assert_int_eq(take_all(&scene, NOW), 60);
        ck_assert_int_eq(take_all(&scene, NOW + HOUR), 60); /* one bucket, however long it was */
        ck_assert_int_eq(take_all(&scene, NOW), 0);         /* back: nothing is given for it */
        ck_assert_int_eq(take_all(&scene, NOW + HOUR), 0);
        ck_assert_int_eq(take_all(&scene, NOW + HOUR + 30 * SECONDS), 30);
        directory_free(scene.directory);
}
END_TEST

/* What one hub let through, told to the other. */
static void tell(Scene *from, Scene *to, int64_t now_us) {
        Uuid limit;
        int64_t amount;
        while (directory_untold(from->directory, now_us, &limit, &amount))
                directory_subtract(to->directory, limit, amount, now_us);
}

START_TEST(two_hubs_let_through_one_amount_but_for_a_seconds_worth) {
        Scene one = scene_of("free"), two = scene_of("free");
        int64_t let = 0;
        /* Ten minutes of which both are asked for more than there is, and told each other once a second. */
        for (int64_t second = 0; second < 600; second++) {
                int64_t now_us = NOW + second * SECONDS;
                for (int i = 0; i < 10; i++)
                        let += !take(&one, now_us).refused + !take(&two, now_us).refused;
                tell(&one, &two, now_us);
                tell(&two, &one, now_us);
        }
        ck_assert_int_ge(let, 60 + 595);      /* nothing is lost … */
        ck_assert_int_le(let, 60 + 600 + 20); /* … and no more than one second of both on top */
        directory_free(one.directory);
        directory_free(two.directory);
}
END_TEST

START_TEST(hubs_that_cannot_tell_each_other_have_an_even_part_each) {
        Scene scene = scene_of("free");
        directory_divide(scene.directory, 3);
        ck_assert_int_eq(take_all(&scene, NOW), 20);
        ck_assert_int_eq(take_all(&scene, NOW + 30 * SECONDS), 10);
        directory_divide(scene.directory, 1);
        ck_assert_int_eq(take_all(&scene, NOW + 90 * SECONDS), 60);
        put(&scene, 1, LIMIT_OF_AGENT, LIMIT_MESSAGES, HOUR, 1);
        directory_divide(scene.directory, 3); /* an amount smaller than their number opens to somebody */
        ck_assert_int_eq(take_all(&scene, NOW + 200 * SECONDS), 1);
        directory_free(scene.directory);
}
END_TEST

static const Limit *charge(Scene *scene, int64_t milliseconds, int64_t now_us) {
        return directory_charge(scene->directory, &scene->ann, scene->desk, NULL, LIMIT_WORKER_MS, milliseconds,
                                now_us);
}

static bool has_time(Scene *scene, int64_t now_us) {
        return !directory_ask(scene->directory, &scene->ann, scene->desk, NULL, LIMIT_WORKER_MS, 1, now_us).refused;
}

/* Charged when a turn has ended, in any window, and told other hubs like what was let through of a rate. */
START_TEST(time_of_workers_is_one_bucket_of_all_hubs) {
        Scene one = scene_of("enterprise"), two = scene_of("enterprise");
        put(&one, 1, LIMIT_OF_TENANT, LIMIT_WORKER_MS, HOUR, 60000);
        put(&two, 1, LIMIT_OF_TENANT, LIMIT_WORKER_MS, HOUR, 60000);
        ck_assert_ptr_null(charge(&one, 40000, NOW));
        tell(&one, &two, NOW);
        const Limit *near = charge(&two, 25000, NOW);
        ck_assert_ptr_nonnull(near);
        ck_assert_int_eq(near->what, LIMIT_WORKER_MS);
        ck_assert_ptr_null(charge(&two, 1, NOW)); /* said once a window */
        ck_assert(!has_time(&two, NOW));
        ck_assert(has_time(&one, NOW));
        tell(&two, &one, NOW);
        ck_assert(!has_time(&one, NOW));
        ck_assert(has_time(&one, NOW + 6 * LIMIT_MINUTE_US));
        directory_divide(two.directory, 2); /* a part of it comes back in the same time */
        ck_assert(!has_time(&two, NOW + 6 * LIMIT_MINUTE_US));
        directory_free(one.directory);
        directory_free(two.directory);
}
END_TEST

START_TEST(four_fifths_are_said_once_a_window) {
        Scene scene = scene_of("free");
        int said = 0;
        for (int i = 0; i < 60; i++) {
                LimitVerdict verdict = take(&scene, NOW);
                said += verdict.near != NULL;
                if (verdict.near)
                        ck_assert_int_eq(i, 47);
        }
        ck_assert_int_eq(said, 1);
        ck_assert_ptr_null(take(&scene, NOW + 30 * SECONDS).near);
        for (int i = 0; i < 59; i++)
                said += take(&scene, NOW + 200 * SECONDS).near != NULL;
        ck_assert_int_eq(said, 2);
        directory_free(scene.directory);
}
END_TEST

UNIT_TESTS("orchestrator/limited", plan_limits_its_tenants_and_rows_narrow_it,
           row_in_the_plans_stead_raises_and_cuts_until_it_goes, another_plan_keeps_what_was_used,
           plan_that_nobody_knows_counts_as_free, clock_jumps_of_an_hour_open_and_refuse_nothing_falsely,
           two_hubs_let_through_one_amount_but_for_a_seconds_worth,
           hubs_that_cannot_tell_each_other_have_an_even_part_each, time_of_workers_is_one_bucket_of_all_hubs,
           four_fifths_are_said_once_a_window)
