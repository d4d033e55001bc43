/* Invitations: for whom, how often, how long, and what nobody can guess; and what people say of themselves. */
#include "tests/integration/operations/office.h"

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

/* {"code":"…"} of a new invitation. */
static const char *invite(Office *office, const char *who, const char *tenant, const char *input) {
        static char accept[64];
        const char *made = office_do(office, who, tenant, "invite-create", input);
        snprintf(accept, sizeof(accept), "{\"code\":\"%.32s\"}", strstr(made, "\"code\":\"") + 8);
        return accept;
}

START_TEST(who_accepts_an_invitation_is_a_member_and_the_code_is_used_up) {
        Office *office = office_open();
        const char *accept = invite(office, ADMIN, "", "{\"role\":\"viewer\"}");
        office->heard_count = 0;
        const char *result = office_do(office, STRANGER, "", "invite-accept", accept);
        expect(result, "\"tenant\":\"acme\"");
        expect(result, "\"role\":\"viewer\"");
        ck_assert_int_eq(office->heard_count, 2); /* the account, too, is new */
        expect(office_do(office, STRANGER, "", "agent-list", "{}"), "\"data\":[]");
        office_refuse(office, STRANGER, "", "invite-list", "{}", FAILURE_FORBIDDEN);
        office_refuse(office, LOCAL, "", "invite-accept", accept, FAILURE_POLICY);
        expect(office_do(office, ADMIN, "", "invite-list", "{}"), "\"state\":\"used\"");
        office_close(office);
}
END_TEST

START_TEST(the_code_is_kept_nowhere_and_shown_once) {
        Office *office = office_open();
        char sql[400], code[40];
        const char *made = office_call_keyed(office, ADMIN, "", "invite-create", "{}", "key");
        snprintf(code, sizeof(code), "%.32s", strstr(made, "\"code\":\"") + 8);
        expect(made, "\"link\":\"xmpp:agents.localhost?message;body=/invite-accept%20");
        ck_assert_uint_eq(strspn(code, "0123456789abcdef"), 32);
        const char *again = office_call_keyed(office, ADMIN, "", "invite-create", "{}", "key");
        ck_assert_ptr_null(strstr(again, code));
        expect(again, "\"code\":null");
        ck_assert_ptr_null(strstr(office_do(office, ADMIN, "", "invite-list", "{}"), code));
        snprintf(sql, sizeof(sql),
                 "SELECT ((SELECT count(*) FROM invites i WHERE i::text LIKE '%%%s%%') + "
                 "(SELECT count(*) FROM operation_log o WHERE o::text LIKE '%%%s%%'))::text",
                 code, code);
        ck_assert_str_eq(office_ask(office, sql), "0");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM invites"), "1");
        office_close(office);
}
END_TEST

START_TEST(an_invitation_that_does_not_hold_makes_nobody_a_member) {
        Office *office = office_open();
        char id[UUID_STRING_SIZE], input[80];
        static const struct {
                const char *change;
                FailureKind kind;
        } cases[] = {
                { "UPDATE invites SET expires_at = now() - interval '1 second'", FAILURE_POLICY },
                { "UPDATE invites SET revoked_at = now()", FAILURE_POLICY },
                { "UPDATE invites SET jid = 'somebody@else.example'", FAILURE_NOT_FOUND },
                { "UPDATE members SET role = 'operator' WHERE role = 'admin'", FAILURE_POLICY },
                { "UPDATE members SET removed_at = now() WHERE role = 'admin'", FAILURE_POLICY },
                { "UPDATE tenants SET state = 'suspended' WHERE id = current_tenant()", FAILURE_NOT_FOUND },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *accept = invite(office, ADMIN, "", "{\"uses\":5}");
                office_execute(office, cases[i].change);
                office_refuse(office, LOCAL, "", "invite-accept", accept, cases[i].kind);
                office_execute(office, "UPDATE tenants SET state = 'active' WHERE id = current_tenant()");
                office_do(office, OWNER, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"admin\"}");
                office_execute(office, "DELETE FROM invites");
        }
        const char *accept = invite(office, ADMIN, "", "{}");
        snprintf(id, sizeof(id), "%s", office_ask(office, "SELECT id::text FROM invites"));
        snprintf(input, sizeof(input), "{\"id\":\"%s\"}", id);
        office_refuse(office, FOREIGN, "", "invite-revoke", input, FAILURE_NOT_FOUND);
        expect(office_do(office, FOREIGN, "", "invite-list", "{}"), "\"data\":[]");
        office_do(office, ADMIN, "", "invite-revoke", input);
        office_refuse(office, "other@localhost", "", "invite-accept", accept, FAILURE_POLICY);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM members WHERE removed_at IS NULL"), "4");
        office_close(office);
}
END_TEST

START_TEST(an_invitation_for_one_person_is_nothing_to_others_and_never_lowers_anybody) {
        Office *office = office_open();
        const char *accept = invite(office, OWNER, "", "{\"role\":\"admin\",\"jid\":\"" OPERATOR "\"}");
        office_refuse(office, LOCAL, "", "invite-accept", accept, FAILURE_NOT_FOUND);
        Failure other = office->failure;
        office_refuse(office, LOCAL, "", "invite-accept", "{\"code\":\"00000000000000000000000000000000\"}",
                      FAILURE_NOT_FOUND);
        ck_assert_str_eq(office->failure.text, other.text);
        expect(office_do(office, OPERATOR, "", "invite-accept", accept), "\"role\":\"admin\"");
        accept = invite(office, OWNER, "", "{\"role\":\"viewer\"}");
        office_refuse(office, OPERATOR, "", "invite-accept", accept, FAILURE_CONFLICT);
        office_refuse(office, OWNER, "", "invite-accept", accept, FAILURE_CONFLICT);
        expect(office_do(office, STRANGER, "", "invite-accept", accept), "\"role\":\"viewer\""); /* it was not used */
        office_refuse(office, ROOT, "", "invite-accept", invite(office, ADMIN, "", "{}"), FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(an_invitation_for_several_is_used_by_as_many) {
        Office *office = office_open();
        const char *accept = invite(office, ROOT, "acme", "{\"uses\":3,\"role\":\"owner\"}");
        char person[40];
        for (int i = 0; i < 4; i++) {
                snprintf(person, sizeof(person), "person%d@localhost", i);
                ck_assert(!!office_call(office, person, "", "invite-accept", accept) == (i < 3));
        }
        ck_assert_int_eq(office->failure.kind, FAILURE_POLICY);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM members WHERE role = 'owner'"), "4");
        office_close(office);
}
END_TEST

START_TEST(whoever_tries_codes_is_stopped_after_ten_and_others_are_not) {
        Office *office = office_open();
        char input[64];
        for (int i = 0; i < 10; i++) {
                snprintf(input, sizeof(input), "{\"code\":\"%032d\"}", i);
                office_refuse(office, STRANGER, "", "invite-accept", input, FAILURE_NOT_FOUND);
        }
        const char *accept = invite(office, ADMIN, "", "{}");
        office_refuse(office, STRANGER, "", "invite-accept", accept, FAILURE_LIMIT);
        office->registration.mode = REGISTRATION_INVITE;
        office_refuse(office, STRANGER, "", "tenant-register", "{\"slug\":\"guessed\",\"code\":\"1\"}", FAILURE_LIMIT);
        office_do(office, LOCAL, "", "invite-accept", accept);
        /* A crowd of one server shares what it may try. */
        int stopped = 0;
        for (int i = 0; i < 120; i++) {
                char person[40];
                snprintf(person, sizeof(person), "bot%d@bots.example", i);
                office_call(office, person, "", "invite-accept", input);
                stopped += office->failure.kind == FAILURE_LIMIT;
        }
        ck_assert_int_ge(stopped, 15);
        office_close(office);
}
END_TEST

#define PNG "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

START_TEST(a_profile_says_what_its_person_said_and_nothing_that_is_not_so) {
        Office *office = office_open();
        office_do(office, VIEWER, "", "profile-update",
                  "{\"name\":\"Vera V.\",\"locale\":\"pt-BR\",\"time_zone\":\"Europe/Vienna\",\"picture\":\"" PNG
                  "\"}");
        const char *shown = office_do(office, VIEWER, "", "profile-show", "{\"picture\":true}");
        expect(shown, "\"name\":\"Vera V.\"");
        expect(shown, "\"time_zone\":\"Europe/Vienna\"");
        expect(shown, "\"picture_type\":\"image/png\"");
        expect(shown, PNG);
        static const char *const wrong[] = {
                "{\"time_zone\":\"Mars/Olympus\"}",
                "{\"time_zone\":\"x'; DROP TABLE profiles; --\"}",
                "{\"locale\":\"english language\"}",
                "{\"locale\":\"e\"}",
                "{\"email\":\"nobody\"}",
                "{\"email\":\"a@b\"}",
                "{\"email\":\"a@b.example>\"}",
                "{\"email\":\"a b@c.example\"}",
                "{\"email\":\"a@.example\"}",
                "{\"picture\":\"bm90IGEgcGljdHVyZQ==\"}",
                "{\"picture\":\"not base64!\"}",
                "{\"name\":\"\"}",
                "{\"role\":\"owner\"}",
        };
        for (size_t i = 0; i < COUNT_OF(wrong); i++)
                office_refuse(office, VIEWER, "", "profile-update", wrong[i], FAILURE_INVALID);
        TextBuilder large = text_builder(0);
        text_add_string(&large, "{\"picture\":\"iVBORw0KGgo");
        for (int i = 0; i < 66001; i++)
                text_add_char(&large, 'A');
        text_add_string(&large, "\"}");
        ck_assert(!office_call(office, VIEWER, "", "profile-update", large.bytes));
        ck_assert_int_eq(office->failure.kind, FAILURE_TOO_LARGE);
        text_builder_release(&large);
        office_do(office, VIEWER, "", "profile-update", "{\"picture\":\"none\"}");
        shown = office_do(office, VIEWER, "", "profile-show", "{\"picture\":true}");
        expect(shown, "\"picture_bytes\":0");
        expect(shown, "\"locale\":\"pt-BR\"");
        /* It is his alone. */
        expect(office_do(office, OWNER, "", "profile-show", "{}"), "\"locale\":null");
        office_refuse(office, STRANGER, "", "profile-show", "{}", FAILURE_UNAUTHENTICATED);
        office_refuse(office, ROOT, "", "profile-show", "{}", FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(an_address_is_proved_by_the_code_that_was_sent_to_it_and_by_nothing_else) {
        Office *office = office_open();
        char right[64];
        expect(office_do(office, VIEWER, "", "profile-update", "{\"email\":\"vera@mail.example\"}"), "sends no mail");
        office_refuse(office, VIEWER, "", "profile-prove", "{\"code\":\"12345678\"}", FAILURE_POLICY);
        office->mails = true;
        office_do(office, VIEWER, "", "profile-update", "{\"email\":\"vera@mail.example\"}");
        ck_assert_str_eq(office->mailed_to, "vera@mail.example");
        snprintf(right, sizeof(right), "{\"code\":\"%.8s\"}", strstr(office->mailed, "/profile-prove ") + 15);
        office_refuse(office, VIEWER, "", "profile-update", "{\"email\":\"vera@mail.example\"}", FAILURE_LIMIT);
        office_refuse(office, OWNER, "", "profile-prove", right, FAILURE_POLICY); /* it is somebody else's */
        for (int i = 0; i < 4; i++)
                office_refuse(office, VIEWER, "", "profile-prove", "{\"code\":\"wrong\"}", FAILURE_FORBIDDEN);
        expect(office_do(office, VIEWER, "", "profile-prove", right), "\"email_proved\":true");
        office_refuse(office, VIEWER, "", "profile-prove", right, FAILURE_POLICY); /* once */

        static const char *const spoilt[] = { "code_sent_at = now() - interval '61 minutes'", "code_tries = 5" };
        for (size_t i = 0; i < COUNT_OF(spoilt); i++) {
                place_execute("SELECT set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', false)");
                place_execute(
                        "ALTER TABLE profiles NO FORCE ROW LEVEL SECURITY; UPDATE profiles SET code_sent_at = NULL; "
                        "ALTER TABLE profiles FORCE ROW LEVEL SECURITY");
                const char *changed = office_do(office, VIEWER, "", "profile-update",
                                                "{\"email\":\"v2@mail.example\"}");
                expect(changed, "\"email_proved\":false"); /* another address is another proof */
                snprintf(right, sizeof(right), "{\"code\":\"%.8s\"}", strstr(office->mailed, "/profile-prove ") + 15);
                char sql[300];
                snprintf(sql, sizeof(sql),
                         "ALTER TABLE profiles NO FORCE ROW LEVEL SECURITY; UPDATE profiles SET %s; "
                         "ALTER TABLE profiles FORCE ROW LEVEL SECURITY",
                         spoilt[i]);
                place_execute(sql);
                office_refuse(office, VIEWER, "", "profile-prove", right, FAILURE_POLICY);
        }
        office_close(office);
}
END_TEST

START_TEST(a_person_is_given_its_profile_and_admins_are_not) {
        Office *office = office_open();
        office_do(office, VIEWER, "", "profile-update",
                  "{\"name\":\"Vera\",\"locale\":\"de-AT\",\"time_zone\":\"Europe/Vienna\",\"picture\":\"" PNG "\"}");
        const char *own = office_do(office, VIEWER, "", "person-export", "{}");
        expect(own, "\"locale\":\"de-AT\"");
        expect(own, "\"time_zone\":\"Europe/Vienna\"");
        expect(own, PNG);
        expect(office_do(office, ADMIN, "", "person-export", "{\"jid\":\"" VIEWER "\"}"), "\"profile\":{}");
        office_close(office);
}
END_TEST

UNIT_TESTS("operations/invites", who_accepts_an_invitation_is_a_member_and_the_code_is_used_up,
           the_code_is_kept_nowhere_and_shown_once, an_invitation_that_does_not_hold_makes_nobody_a_member,
           an_invitation_for_one_person_is_nothing_to_others_and_never_lowers_anybody,
           an_invitation_for_several_is_used_by_as_many, whoever_tries_codes_is_stopped_after_ten_and_others_are_not,
           a_profile_says_what_its_person_said_and_nothing_that_is_not_so,
           an_address_is_proved_by_the_code_that_was_sent_to_it_and_by_nothing_else,
           a_person_is_given_its_profile_and_admins_are_not)
