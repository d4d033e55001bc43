#include "orchestrator/directory/directory.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define NOW (1000 * SECONDS)

/* Two tenants beside the installation. ann owns the agents of acme and is a member; bob is a member of acme, zoe of
 * zeta; mia has an account and is in no tenant; sam is a suspended member of acme. */
static const Uuid installation = { { 1 } }, acme = { { 2 } }, zeta = { { 3 } };
static const Uuid guide = { { 4, 1 } }, desk = { { 4, 2 } }, pen = { { 4, 3 } };
static const Uuid ann = { { 5, 1 } }, bob = { { 5, 2 } }, zoe = { { 5, 3 } }, mia = { { 5, 4 } }, sam = { { 5, 5 } };
static const Uuid grant = { { 6, 1 } }, other_grant = { { 6, 2 } }, limit = { { 7, 1 } };

static void apply(Directory *directory, DirectoryChange change) {
        directory_apply(directory, &change);
}

static void add_agent(Directory *directory, Uuid id, Uuid tenant_id, const char *name, Visibility visibility) {
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = id,
                                            .tenant_id = tenant_id,
                                            .name = text_of(name),
                                            .owner_id = ann,
                                            .owner = TEXT("ann@example.org"),
                                            .visibility = visibility });
}

static Directory *peopled(void) {
        const DirectoryChange changes[] = {
                { .kind = DIRECTORY_TENANT, .id = installation, .name = TEXT("hub") },
                { .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme") },
                { .kind = DIRECTORY_TENANT, .id = zeta, .name = TEXT("zeta") },
                { .kind = DIRECTORY_ACCOUNT, .id = ann, .name = TEXT("ann@example.org") },
                { .kind = DIRECTORY_ACCOUNT, .id = bob, .name = TEXT("bob@example.org") },
                { .kind = DIRECTORY_ACCOUNT, .id = zoe, .name = TEXT("zoe@example.org") },
                { .kind = DIRECTORY_ACCOUNT, .id = mia, .name = TEXT("mia@example.org") },
                { .kind = DIRECTORY_ACCOUNT, .id = sam, .name = TEXT("sam@example.org"), .suspended = true },
                { .kind = DIRECTORY_MEMBER, .id = ann, .tenant_id = acme, .role = ROLE_OWNER },
                { .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .role = ROLE_VIEWER },
                { .kind = DIRECTORY_MEMBER, .id = zoe, .tenant_id = zeta, .role = ROLE_OWNER },
                { .kind = DIRECTORY_MEMBER, .id = sam, .tenant_id = acme, .role = ROLE_ADMIN },
        };
        Directory *directory = directory_new("agents.example other.example", installation);

        for (size_t i = 0; i < COUNT_OF(changes); i++)
                directory_apply(directory, &changes[i]);
        add_agent(directory, guide, installation, "guide", VISIBILITY_PUBLIC);
        add_agent(directory, desk, acme, "desk", VISIBILITY_PRIVATE);
        add_agent(directory, pen, zeta, "pen", VISIBILITY_PRIVATE);
        return directory;
}

static Sender sender(Directory *directory, const char *bare) {
        static char buffer[8][256];
        static int next;
        char *held = buffer[next++ % 8];
        Text text, rest, local;

        snprintf(held, sizeof(buffer[0]), "%s", bare);
        text = rest = text_of(held);
        Jid jid = { .full = text, .bare = text, .domain = text };
        if (text_split(&rest, '@', &local) && rest.length) {
                jid.local = local;
                jid.domain = rest;
        }
        return directory_sender(directory, &jid);
}

static bool may(Directory *directory, const char *bare, const char *local) {
        Sender asker = sender(directory, bare);

        return directory_agent(directory, &asker, text_of(local), NOW, NULL) != NULL;
}

START_TEST(visibility_says_who_may_talk_to_an_agent) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const struct {
                const char *asker;
                bool private, tenant, shared, public;
        } cases[] = {
                { "ann@example.org", true, true, true, true },            /* its owner */
                { "bob@example.org", false, true, false, true },          /* a member */
                { "zoe@example.org", false, false, false, true },         /* another tenant's member */
                { "mia@example.org", false, false, false, true },         /* an account without a tenant */
                { "sam@example.org", false, false, false, false },        /* suspended */
                { "eve@example.net", false, false, false, true },         /* a stranger */
                { "ann@example.net", false, false, false, true },         /* the same name elsewhere */
                { "example.org", false, false, false, true },             /* a server */
                { "desk.acme@agents.example", false, true, false, true }, /* itself: of its tenant */
                { "pen.zeta@agents.example", false, false, false, true }, /* another tenant's agent */
                { "guide@agents.example", false, false, false, true },    /* the installation's agent */
                { "nobody@agents.example", false, false, false, false },  /* no agent of ours */
                { "agents.example", false, false, false, false },         /* our own domain */
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const bool expected[] = { cases[i].private, cases[i].tenant, cases[i].shared, cases[i].public };
                for (size_t k = 0; k < COUNT_OF(expected); k++) {
                        add_agent(directory, desk, acme, "desk", (Visibility) k);
                        ck_assert_msg(may(directory, cases[i].asker, "desk.acme") == expected[k], "%s, %s",
                                      cases[i].asker, visibility_name((Visibility) k));
                }
        }
}
END_TEST

static void add_grant(Directory *directory, Uuid id, const char *name, int64_t not_before_us, int64_t expires_us) {
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                            .id = id,
                                            .tenant_id = acme,
                                            .agent_id = desk,
                                            .name = text_of(name),
                                            .not_before_us = not_before_us,
                                            .expires_us = expires_us });
}

START_TEST(grant_admits_a_person_a_domain_or_an_agent_while_it_lasts) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const struct {
                const char *subject;
                int64_t not_before_us, expires_us;
                const char *asker;
                bool expected;
        } cases[] = {
                { "eve@example.net", 0, 0, "eve@example.net", true },
                { "eve@example.net", 0, 0, "eva@example.net", false },
                { "eve@example.net", 0, 0, "example.net", false },
                { "example.net", 0, 0, "eve@example.net", true },
                { "example.net", 0, 0, "example.net", true },
                { "example.net", 0, 0, "eve@sub.example.net", false },
                { "example.net", 0, 0, "eve@badexample.net", false },
                { "pen.zeta@agents.example", 0, 0, "pen.zeta@agents.example", true },
                { "pen.zeta@agents.example", 0, 0, "guide@agents.example", false },
                { "agents.example", 0, 0, "nobody@agents.example", false },
                { "eve@example.net", NOW, 0, "eve@example.net", true },
                { "eve@example.net", NOW + 1, 0, "eve@example.net", false },
                { "eve@example.net", 0, NOW, "eve@example.net", false },
                { "eve@example.net", 0, NOW + 1, "eve@example.net", true },
                { "eve@example.net", NOW + 2, NOW + 1, "eve@example.net", false },
                { "sam@example.org", 0, 0, "sam@example.org", false }, /* suspended */
                { "bob@example.org", 0, 0, "bob@example.org", true },
        };

        add_agent(directory, desk, acme, "desk", VISIBILITY_SHARED);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                add_grant(directory, grant, cases[i].subject, cases[i].not_before_us, cases[i].expires_us);
                ck_assert_msg(may(directory, cases[i].asker, "desk.acme") == cases[i].expected, "%s for %s",
                              cases[i].subject, cases[i].asker);
        }
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_GRANT, .id = grant, .gone = true });
        ck_assert(!may(directory, "bob@example.org", "desk.acme"));
}
END_TEST

START_TEST(grant_counts_only_where_the_agent_is_shared) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const bool expected[] = { [VISIBILITY_PRIVATE] = false,
                                  [VISIBILITY_TENANT] = false,
                                  [VISIBILITY_SHARED] = true,
                                  [VISIBILITY_PUBLIC] = true };

        add_grant(directory, grant, "eve@example.net", 0, 0);
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                add_agent(directory, desk, acme, "desk", (Visibility) i);
                ck_assert(may(directory, "eve@example.net", "desk.acme") == expected[i]);
        }
}
END_TEST

/* In whatever order they came, so that the limits of the one that counts are always the same. */
START_TEST(grant_to_a_person_comes_before_one_to_the_domain) {
        for (int order = 0; order < 2; order++) {
                _cleanup_(directory_freep) Directory *directory = peopled();
                const Grant *by = NULL;
                add_agent(directory, desk, acme, "desk", VISIBILITY_SHARED);
                add_grant(directory, order ? grant : other_grant, order ? "example.net" : "eve@example.net", 0, 0);
                add_grant(directory, order ? other_grant : grant, order ? "eve@example.net" : "example.net", 0, 0);
                apply(directory, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                    .id = limit,
                                                    .subject = LIMIT_OF_GRANT,
                                                    .subject_id = other_grant,
                                                    .what = LIMIT_MESSAGES,
                                                    .window_us = SECONDS,
                                                    .amount = 0 });
                Sender eve = sender(directory, "eve@example.net");
                Agent *agent = directory_agent(directory, &eve, TEXT("desk.acme"), NOW, &by);
                ck_assert_ptr_nonnull(agent);
                ck_assert(directory_take(directory, &eve, agent, by, LIMIT_MESSAGES, 1, NOW).refused);
                Sender eva = sender(directory, "eva@example.net");
                agent = directory_agent(directory, &eva, TEXT("desk.acme"), NOW, &by);
                ck_assert(!directory_take(directory, &eva, agent, by, LIMIT_MESSAGES, 1, NOW).refused);
        }
}
END_TEST

START_TEST(owner_is_bound_by_no_grant) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const Grant *by = NULL;

        add_agent(directory, desk, acme, "desk", VISIBILITY_SHARED);
        add_grant(directory, grant, "example.org", 0, 0);
        Sender owner = sender(directory, "ann@example.org"), member = sender(directory, "bob@example.org");
        ck_assert_ptr_nonnull(directory_agent(directory, &owner, TEXT("desk.acme"), NOW, &by));
        ck_assert_ptr_null(by);
        ck_assert_ptr_nonnull(directory_agent(directory, &member, TEXT("desk.acme"), NOW, &by));
        ck_assert_ptr_nonnull(by);
}
END_TEST

/* Everything that ends in nothing, for somebody who may otherwise talk to it. */
START_TEST(agent_that_is_gone_or_suspended_is_there_for_nobody) {
        const struct {
                const char *name;
                DirectoryChange change;
        } cases[] = {
                { "deleted",
                  { .kind = DIRECTORY_AGENT,
                    .id = desk,
                    .tenant_id = acme,
                    .name = TEXT("desk"),
                    .owner = TEXT("ann@example.org"),
                    .visibility = VISIBILITY_PUBLIC,
                    .state = AGENT_DELETED } },
                { "gone",
                  { .kind = DIRECTORY_AGENT,
                    .id = desk,
                    .tenant_id = acme,
                    .name = TEXT("desk"),
                    .owner = TEXT("ann@example.org"),
                    .visibility = VISIBILITY_PUBLIC,
                    .gone = true } },
                { "tenant suspended",
                  { .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .suspended = true } },
                { "tenant gone", { .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .gone = true } },
                { "owner suspended",
                  { .kind = DIRECTORY_ACCOUNT, .id = ann, .name = TEXT("ann@example.org"), .suspended = true } },
                { "owner gone",
                  { .kind = DIRECTORY_ACCOUNT, .id = ann, .name = TEXT("ann@example.org"), .gone = true } },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(directory_freep) Directory *directory = peopled();
                ck_assert(may(directory, "ann@example.org", "desk.acme"));
                apply(directory, cases[i].change);
                ck_assert_msg(!may(directory, "ann@example.org", "desk.acme"), "%s", cases[i].name);
        }
}
END_TEST

START_TEST(agent_of_a_suspended_tenant_may_not_write) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        ck_assert(may(directory, "pen.zeta@agents.example", "guide"));
        apply(directory,
              (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = zeta, .name = TEXT("zeta"), .suspended = true });
        ck_assert(!may(directory, "pen.zeta@agents.example", "guide"));
}
END_TEST

START_TEST(paused_agent_is_there) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        apply(directory, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = desk,
                                            .tenant_id = acme,
                                            .name = TEXT("desk"),
                                            .owner = TEXT("ann@example.org"),
                                            .state = AGENT_PAUSED,
                                            .pause_reason = TEXT("tea") });
        Sender owner = sender(directory, "ann@example.org");
        const Agent *agent = directory_agent(directory, &owner, TEXT("desk.acme"), NOW, NULL);
        ck_assert_ptr_nonnull(agent);
        ck_assert_str_eq(agent->pause_reason, "tea");
}
END_TEST

START_TEST(name_has_the_slug_of_its_tenant) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const struct {
                const char *local;
                bool expected;
        } cases[] = { { "desk.acme", true },  { "desk", false },       { "desk.hub", false },
                      { "guide", true },      { "guide.hub", false },  { "desk.zeta", false },
                      { "DESK.acme", false }, { "desk.acme.", false }, { "", true /* the hub itself */ } };

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_msg(may(directory, "ann@example.org", cases[i].local) == cases[i].expected, "%s",
                              cases[i].local);
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme-gmbh") });
        ck_assert(may(directory, "ann@example.org", "desk.acme-gmbh"));
        ck_assert(!may(directory, "ann@example.org", "desk.acme"));
        /* The old name is free for another tenant. */
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = { { 8 } }, .name = TEXT("acme") });
        add_agent(directory, (Uuid){ { 4, 9 } }, (Uuid){ { 8 } }, "desk", VISIBILITY_PUBLIC);
        ck_assert(may(directory, "zoe@example.org", "desk.acme"));
        ck_assert(!may(directory, "zoe@example.org", "desk.acme-gmbh"));
}
END_TEST

START_TEST(name_that_was_given_up_is_free) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const Uuid successor = { { 4, 9 } };
        Sender zoe_ = sender(directory, "zoe@example.org");

        /* The new one is heard of before the old one's end. */
        add_agent(directory, successor, acme, "desk", VISIBILITY_PUBLIC);
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = desk,
                                            .tenant_id = acme,
                                            .name = TEXT("desk"),
                                            .state = AGENT_DELETED });
        const Agent *agent = directory_agent(directory, &zoe_, TEXT("desk.acme"), NOW, NULL);
        ck_assert_ptr_nonnull(agent);
        ck_assert(uuid_equal(agent->id, successor));
        add_agent(directory, successor, acme, "renamed", VISIBILITY_PUBLIC);
        ck_assert(!may(directory, "zoe@example.org", "desk.acme"));
        ck_assert(may(directory, "zoe@example.org", "renamed.acme"));
        add_agent(directory, desk, acme, "desk", VISIBILITY_PUBLIC); /* restored */
        ck_assert(may(directory, "zoe@example.org", "desk.acme"));
        ck_assert_uint_eq(directory_agent_count(directory), 4);
}
END_TEST

/* Rows of one whole story, in every order: the end is the same. */
START_TEST(rows_may_come_in_any_order) {
        const DirectoryChange rows[] = {
                { .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme") },
                { .kind = DIRECTORY_ACCOUNT, .id = bob, .name = TEXT("bob@example.org") },
                { .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .role = ROLE_VIEWER },
                { .kind = DIRECTORY_AGENT,
                  .id = desk,
                  .tenant_id = acme,
                  .name = TEXT("desk"),
                  .owner = TEXT("ann@example.org"),
                  .visibility = VISIBILITY_TENANT },
                { .kind = DIRECTORY_GRANT,
                  .id = grant,
                  .tenant_id = acme,
                  .agent_id = desk,
                  .name = TEXT("example.net") },
                { .kind = DIRECTORY_LIMIT,
                  .id = limit,
                  .subject = LIMIT_OF_AGENT,
                  .subject_id = desk,
                  .what = LIMIT_MESSAGES,
                  .window_us = SECONDS,
                  .amount = 1 },
        };
        size_t order[COUNT_OF(rows)] = { 0, 1, 2, 3, 4, 5 }, count[COUNT_OF(rows)] = { 0 };

        /* Heap's algorithm. */
        for (size_t i = 1; i < COUNT_OF(rows);) {
                _cleanup_(directory_freep) Directory *directory = directory_new("agents.example", installation);
                for (size_t k = 0; k < COUNT_OF(rows); k++)
                        directory_apply(directory, &rows[order[k]]);
                Sender asker = sender(directory, "bob@example.org");
                Agent *agent = directory_agent(directory, &asker, TEXT("desk.acme"), NOW, NULL);
                ck_assert_ptr_nonnull(agent);
                ck_assert(!directory_take(directory, &asker, agent, NULL, LIMIT_MESSAGES, 1, NOW).refused);
                ck_assert(directory_take(directory, &asker, agent, NULL, LIMIT_MESSAGES, 1, NOW).refused);
                ck_assert(!may(directory, "eve@example.net", "desk.acme"));
                if (count[i] >= i) {
                        count[i++] = 0;
                        continue;
                }
                size_t with = i % 2 ? count[i] : 0, held = order[with];
                order[with] = order[i];
                order[i] = held;
                count[i]++;
                i = 1;
        }
}
END_TEST

START_TEST(member_is_one_until_the_row_is_gone) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        add_agent(directory, desk, acme, "desk", VISIBILITY_TENANT);
        ck_assert(may(directory, "bob@example.org", "desk.acme"));
        for (int i = 0; i < 2; i++)
                apply(directory,
                      (DirectoryChange){ .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .gone = true });
        ck_assert(!may(directory, "bob@example.org", "desk.acme"));
        apply(directory,
              (DirectoryChange){ .kind = DIRECTORY_MEMBER, .id = mia, .tenant_id = acme, .role = ROLE_ADMIN });
        ck_assert(may(directory, "mia@example.org", "desk.acme"));
}
END_TEST

START_TEST(role_is_that_of_the_member_in_this_tenant) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const struct {
                const char *bare;
                const char *local;
                Role expected;
        } cases[] = {
                { "ann@example.org", "desk.acme", ROLE_OWNER },      { "bob@example.org", "desk.acme", ROLE_VIEWER },
                { "zoe@example.org", "desk.acme", ROLE_NONE },       { "zoe@example.org", "pen.zeta", ROLE_OWNER },
                { "sam@example.org", "desk.acme", ROLE_NONE },       { "eve@example.net", "desk.acme", ROLE_NONE },
                { "pen.zeta@agents.example", "pen.zeta", ROLE_NONE }
        };

        add_agent(directory, desk, acme, "desk", VISIBILITY_PUBLIC);
        add_agent(directory, pen, zeta, "pen", VISIBILITY_PUBLIC);
        Sender anybody = sender(directory, "eve@example.net");
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sender asker = sender(directory, cases[i].bare);
                const Agent *agent = directory_agent(directory, &anybody, text_of(cases[i].local), NOW, NULL);
                ck_assert_ptr_nonnull(agent);
                ck_assert_int_eq(directory_role(directory, &asker, agent->tenant), cases[i].expected);
        }
}
END_TEST

START_TEST(account_that_changed_its_name_keeps_what_it_has) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        add_agent(directory, desk, acme, "desk", VISIBILITY_TENANT);
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = bob, .name = TEXT("robert@example.org") });
        ck_assert(may(directory, "robert@example.org", "desk.acme"));
        ck_assert(!may(directory, "bob@example.org", "desk.acme"));
        Sender robert = sender(directory, "robert@example.org");
        ck_assert(uuid_equal(account_id(robert.account), bob));
}
END_TEST

/* How many messages this sender gets through. */
static int let_in(Directory *directory, const char *bare, const char *local) {
        const Grant *by = NULL;
        Sender asker = sender(directory, bare);
        Agent *agent = directory_agent(directory, &asker, text_of(local), NOW, &by);
        int count = 0;

        ck_assert_ptr_nonnull(agent);
        while (count < 100 && !directory_take(directory, &asker, agent, by, LIMIT_MESSAGES, 1, NOW).refused)
                count++;
        return count;
}

static void set_limit(Directory *directory, LimitSubject subject, Uuid subject_id, int64_t amount, bool gone) {
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = limit,
                                            .gone = gone,
                                            .subject = subject,
                                            .subject_id = subject_id,
                                            .name = TEXT("example.net"),
                                            .what = LIMIT_MESSAGES,
                                            .window_us = 3600 * SECONDS,
                                            .amount = amount });
}

START_TEST(limit_concerns_its_subject_and_nobody_else) {
        const struct {
                LimitSubject subject;
                Uuid id;
                int bob_desk, eve_desk, bob_guide;
        } cases[] = {
                { LIMIT_OF_INSTALLATION, installation, 3, 0, 0 }, /* one bucket for all */
                { LIMIT_OF_TENANT, acme, 3, 0, 100 },
                { LIMIT_OF_ACCOUNT, bob, 3, 100, 0 },
                { LIMIT_OF_AGENT, desk, 3, 0, 100 },
                { LIMIT_OF_GRANT, grant, 100, 3, 100 },
                { LIMIT_OF_DOMAIN, { { 0 } }, 100, 3, 100 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(directory_freep) Directory *directory = peopled();
                add_agent(directory, desk, acme, "desk", VISIBILITY_SHARED);
                add_grant(directory, grant, "eve@example.net", 0, 0);
                add_grant(directory, other_grant, "bob@example.org", 0, 0);
                set_limit(directory, cases[i].subject, cases[i].id, 3, false);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), cases[i].bob_desk);
                ck_assert_int_eq(let_in(directory, "eve@example.net", "desk.acme"), cases[i].eve_desk);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "guide"), cases[i].bob_guide);
                /* Written again, as every heartbeat may: it is no fresh one. */
                set_limit(directory, cases[i].subject, cases[i].id, 3, false);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), cases[i].bob_desk == 3 ? 0 : 100);
                set_limit(directory, cases[i].subject, cases[i].id, 3, true);
                set_limit(directory, cases[i].subject, cases[i].id, 3, true);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 100);
        }
}
END_TEST

static void limit_sender(Directory *directory, Uuid tenant_id, uint8_t id, const char *who, bool gone) {
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = { { 8, id } },
                                            .gone = gone,
                                            .tenant_id = tenant_id,
                                            .subject = LIMIT_OF_SENDER,
                                            .name = text_of(who),
                                            .what = LIMIT_MESSAGES,
                                            .window_us = 3600 * SECONDS,
                                            .amount = 3 });
}

/* Bob has an account, Eve has none. */
START_TEST(limit_of_a_sender_holds_with_the_tenant_whose_it_is_and_the_installations_with_all) {
        const struct {
                Uuid tenant;
                const char *who;
                int bob_desk, bob_guide, eve_desk, eve_guide;
        } cases[] = {
                { acme, "bob@example.org", 3, 100, 100, 100 },   { installation, "bob@example.org", 3, 0, 100, 100 },
                { acme, "eve@example.net", 100, 100, 3, 100 },   { installation, "eve@example.net", 100, 100, 3, 0 },
                { acme, "example.net", 100, 100, 3, 100 },       { installation, "example.net", 100, 100, 3, 0 },
                { acme, "example.org", 3, 100, 100, 100 },       { acme, "nobody@example.org", 100, 100, 100, 100 },
                { acme, "Bob@example.org", 100, 100, 100, 100 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(directory_freep) Directory *directory = peopled();
                add_agent(directory, desk, acme, "desk", VISIBILITY_PUBLIC);
                for (int k = 0; k < 2; k++) /* written again, it is no fresh one */
                        limit_sender(directory, cases[i].tenant, 1, cases[i].who, false);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), cases[i].bob_desk);
                limit_sender(directory, cases[i].tenant, 1, cases[i].who, false);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "guide"), cases[i].bob_guide);
                ck_assert_int_eq(let_in(directory, "eve@example.net", "desk.acme"), cases[i].eve_desk);
                ck_assert_int_eq(let_in(directory, "eve@example.net", "guide"), cases[i].eve_guide);
                limit_sender(directory, cases[i].tenant, 1, cases[i].who, true);
                limit_sender(directory, cases[i].tenant, 1, cases[i].who, true);
                ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 100);
                ck_assert_int_eq(let_in(directory, "eve@example.net", "desk.acme"), 100);
        }
}
END_TEST

START_TEST(limits_of_many_senders_leave_nothing_behind_and_each_may_move) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        add_agent(directory, desk, acme, "desk", VISIBILITY_PUBLIC);
        for (uint8_t i = 0; i < 200; i++) {
                char who[40];
                snprintf(who, sizeof(who), "p%d@example.net", i);
                limit_sender(directory, acme, i, who, false);
        }
        for (uint8_t i = 0; i < 200; i += 2)
                limit_sender(directory, acme, i, "", true);
        ck_assert_int_eq(let_in(directory, "p0@example.net", "desk.acme"), 100);
        ck_assert_int_eq(let_in(directory, "p1@example.net", "desk.acme"), 3);
        limit_sender(directory, acme, 1, "eve@example.net", false);
        ck_assert_int_eq(let_in(directory, "p1@example.net", "desk.acme"), 100);
        ck_assert_int_eq(let_in(directory, "eve@example.net", "desk.acme"), 0); /* what was used stays used */
        limit_sender(directory, acme, 3, "eve@example.net", false);
        limit_sender(directory, acme, 1, "", true);
        ck_assert_int_eq(let_in(directory, "eve@example.net", "desk.acme"), 3);
}
END_TEST

START_TEST(limit_may_be_changed_and_moved) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        add_agent(directory, desk, acme, "desk", VISIBILITY_PUBLIC);
        set_limit(directory, LIMIT_OF_AGENT, desk, 3, false);
        ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 3);
        set_limit(directory, LIMIT_OF_AGENT, desk, 5, false);
        ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 2);
        set_limit(directory, LIMIT_OF_AGENT, guide, 1, false);
        ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 100);
        set_limit(directory, LIMIT_OF_TENANT, acme, 2, false);
        ck_assert_int_eq(let_in(directory, "bob@example.org", "guide"), 100);
        ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 2);
        /* A limit of size has no bucket. */
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = limit,
                                            .subject = LIMIT_OF_TENANT,
                                            .subject_id = acme,
                                            .what = LIMIT_BODY_BYTES,
                                            .amount = 10 });
        ck_assert_int_eq(let_in(directory, "bob@example.org", "desk.acme"), 100);
}
END_TEST

START_TEST(asker_is_shown_what_it_may_talk_to) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        const struct {
                const char *bare;
                size_t expected;
        } cases[] = { { "ann@example.org", 3 },
                      { "eve@example.net", 1 },
                      { "sam@example.org", 0 },
                      { "nobody@agents.example", 0 } };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sender asker = sender(directory, cases[i].bare);
                size_t seen = 0;
                for (size_t k = 0; directory_each(directory, &asker, NOW, &k);)
                        seen++;
                ck_assert_msg(seen == cases[i].expected, "%s sees %zu", cases[i].bare, seen);
        }
}
END_TEST

static void suspend(Directory *directory, Uuid account, const char *name, bool suspended, bool announced,
                    int64_t at_us) {
        apply(directory, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT,
                                            .id = account,
                                            .name = text_of(name),
                                            .suspended = suspended,
                                            .announced = announced,
                                            .as_of_us = at_us });
}

START_TEST(what_was_announced_outlives_a_reading_that_began_before) {
        const struct {
                struct {
                        bool suspended, announced;
                        int64_t at_us;
                } changes[4];
                size_t count;
                bool suspended;
        } cases[] = {
                { { { true, true, 10 }, { false, false, 9 } }, 2, true },
                { { { true, true, 10 }, { false, false, 10 } }, 2, false },
                { { { true, true, 10 }, { false, false, 11 } }, 2, false },
                /* Readings are in order among themselves, and announcements of one hub too. */
                { { { true, false, 10 }, { false, false, 9 } }, 2, false },
                { { { true, true, 10 }, { false, true, 9 } }, 2, true },
                { { { true, true, 10 }, { false, true, 11 }, { true, false, 10 } }, 3, false },
                /* What a reading has caught up with is forgotten. */
                { { { true, true, 10 }, { true, false, 11 }, { false, true, 9 } }, 3, false },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(directory_freep) Directory *directory = peopled();
                for (size_t k = 0; k < cases[i].count; k++)
                        suspend(directory, bob, "bob@example.org", cases[i].changes[k].suspended,
                                cases[i].changes[k].announced, cases[i].changes[k].at_us);
                /* Another row of the same kind knows nothing of it. */
                suspend(directory, mia, "mia@example.org", false, false, 1);
                ck_assert_int_eq(sender(directory, "bob@example.org").suspended, cases[i].suspended);
                ck_assert(!sender(directory, "mia@example.org").suspended);
        }
}
END_TEST

START_TEST(membership_that_was_announced_is_one_of_its_tenant) {
        _cleanup_(directory_freep) Directory *directory = peopled();
        DirectoryChange gone = {
                .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .gone = true, .announced = true, .as_of_us = 10
        };
        DirectoryChange read = {
                .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .role = ROLE_VIEWER, .as_of_us = 9
        };
        DirectoryChange other = read;

        other.tenant_id = zeta;
        add_agent(directory, desk, acme, "desk", VISIBILITY_TENANT);
        add_agent(directory, pen, zeta, "pen", VISIBILITY_TENANT);
        directory_apply(directory, &gone);
        directory_apply(directory, &read);
        directory_apply(directory, &other);
        ck_assert(!may(directory, "bob@example.org", "desk.acme"));
        ck_assert(may(directory, "bob@example.org", "pen.zeta"));
}
END_TEST

START_TEST(many_announcements_are_not_kept_for_ever) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        for (uint32_t i = 0; i < 5000; i++) {
                Uuid id = { { 9, (uint8_t) i, (uint8_t) (i >> 8) } };
                suspend(directory, id, "somebody@example.org", true, true, i * SECONDS);
        }
        suspend(directory, bob, "bob@example.org", true, true, 5000 * SECONDS);
        suspend(directory, bob, "bob@example.org", false, false, 4999 * SECONDS);
        ck_assert(sender(directory, "bob@example.org").suspended);
}
END_TEST

START_TEST(domains_are_served_as_they_are_named) {
        _cleanup_(directory_freep) Directory *directory = peopled();

        ck_assert(directory_serves(directory, TEXT("agents.example")));
        ck_assert(directory_serves(directory, TEXT("other.example")));
        ck_assert(!directory_serves(directory, TEXT("example")));
        ck_assert(!directory_serves(directory, TEXT_NONE));
        ck_assert(uuid_equal(directory_installation(directory), installation));
}
END_TEST

START_TEST(names_are_read_as_they_are_written) {
        Visibility visibility;
        Role role;

        for (int i = VISIBILITY_PRIVATE; i <= VISIBILITY_PUBLIC; i++) {
                ck_assert(visibility_from_name(text_of(visibility_name((Visibility) i)), &visibility));
                ck_assert_int_eq(visibility, i);
        }
        for (int i = ROLE_NONE; i <= ROLE_PLATFORM; i++) {
                ck_assert(role_from_name(text_of(role_name((Role) i)), &role));
                ck_assert_int_eq(role, i);
        }
        ck_assert(!visibility_from_name(TEXT("secret"), &visibility));
        ck_assert(!role_from_name(TEXT("king"), &role));
}
END_TEST

UNIT_TESTS("orchestrator/directory", visibility_says_who_may_talk_to_an_agent,
           grant_admits_a_person_a_domain_or_an_agent_while_it_lasts, grant_counts_only_where_the_agent_is_shared,
           grant_to_a_person_comes_before_one_to_the_domain, owner_is_bound_by_no_grant,
           agent_that_is_gone_or_suspended_is_there_for_nobody, agent_of_a_suspended_tenant_may_not_write,
           paused_agent_is_there, name_has_the_slug_of_its_tenant, name_that_was_given_up_is_free,
           rows_may_come_in_any_order, member_is_one_until_the_row_is_gone, role_is_that_of_the_member_in_this_tenant,
           account_that_changed_its_name_keeps_what_it_has, limit_concerns_its_subject_and_nobody_else,
           limit_of_a_sender_holds_with_the_tenant_whose_it_is_and_the_installations_with_all,
           limits_of_many_senders_leave_nothing_behind_and_each_may_move, limit_may_be_changed_and_moved,
           asker_is_shown_what_it_may_talk_to, domains_are_served_as_they_are_named, names_are_read_as_they_are_written,
           what_was_announced_outlives_a_reading_that_began_before, membership_that_was_announced_is_one_of_its_tenant,
           many_announcements_are_not_kept_for_ever)
