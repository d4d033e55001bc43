/* How people come to workspaces and leave them, and how workspaces go: registration, roles, deletion, export. */
#include "store/migrate.h"
#include "tests/integration/operations/office.h"

#include <pthread.h>

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

static void open_registration(Office *office) {
        office->registration.mode = REGISTRATION_OPEN;
}

START_TEST(nobody_registers_where_it_is_closed_or_without_a_code_where_it_is_by_invitation) {
        Office *office = office_open();
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\"}", FAILURE_FORBIDDEN);
        expect(office_do(office, LOCAL, "", "registration-show", "{}"), "\"open_to_you\":false");
        office->registration.mode = REGISTRATION_INVITE;
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\"}", FAILURE_FORBIDDEN);
        expect(office_do(office, LOCAL, "", "registration-show", "{}"), "\"by_invitation\":true");
        ck_assert_str_eq(
                place_ask_as("aiox_directory", NULL, "SELECT count(*)::text FROM accounts WHERE jid = '" LOCAL "'"),
                "0");
        office_close(office);
}
END_TEST

START_TEST(a_person_of_the_own_server_gets_a_workspace_that_works) {
        Office *office = office_open();
        open_registration(office);
        expect(office_do(office, LOCAL, "", "registration-show", "{}"), "\"open_to_you\":true");
        const char *made = office_do(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\",\"name\":\"Lena's\"}");
        expect(made, "\"plan\":\"free\"");
        expect(made, "\"agents\":\"NAME.lenas@agents.localhost\"");
        ck_assert_int_eq(office->heard_count, 3); /* the tenant, the account, the member */
        expect(office_do(office, LOCAL, "", "agent-create", "{\"name\":\"first\",\"prompt\":\"Be kind.\"}"),
               "\"jid\":\"first.lenas@agents.localhost\"");
        expect(office_do(office, LOCAL, "", "agent-show", "{\"agent\":\"first\"}"), "Be kind.");
        expect(office_do(office, LOCAL, "", "tenant-list", "{}"), "\"role\":\"owner\"");
        expect(office_do(office, LOCAL, "", "registration-show", "{}"), "\"slug\":\"lenas\"");
        /* It is another's, like any other. */
        office_refuse(office, OWNER, "lenas", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, LOCAL, "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(whose_domain_is_not_listed_needs_an_invitation) {
        static const char *const listed[] = { "example.net", "example.org", NULL }, *const all[] = { "*", NULL };
        static const struct {
                const char *person;
                const char *const *domains;
                bool may;
        } cases[] = {
                { "a@localhost", NULL, true },         { "a@example.org", NULL, false },
                { "a@agents.localhost", NULL, false }, { "b@example.org", listed, true },
                { "b@localhost", listed, false },      { "c@anywhere.example", all, true },
                { "d@sub.localhost", NULL, false },
        };
        Office *office = office_open();
        open_registration(office);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char input[80];
                snprintf(input, sizeof(input), "{\"slug\":\"made-%zu\"}", i);
                office->registration.domains = cases[i].domains;
                const char *made = office_call(office, cases[i].person, "", "tenant-register", input);
                ck_assert_msg(!!made == cases[i].may, "%s: %s", cases[i].person, made ? made : office->failure.text);
        }
        office_close(office);
}
END_TEST

START_TEST(what_cannot_be_registered_is_refused_and_leaves_nothing) {
        Office *office = office_open();
        open_registration(office);
        static const struct {
                const char *person, *input;
                FailureKind kind;
        } cases[] = {
                { LOCAL, "{\"slug\":\"acme\"}", FAILURE_CONFLICT },
                { LOCAL, "{\"slug\":\"ab\"}", FAILURE_INVALID },
                { LOCAL, "{\"slug\":\"A B\"}", FAILURE_INVALID },
                { LOCAL, "{}", FAILURE_INVALID },
                { LOCAL, "{\"slug\":\"installation\"}", FAILURE_CONFLICT },
                { ROOT, "{\"slug\":\"rooted\"}", FAILURE_INVALID },
                { LOCAL, "{\"slug\":\"lenas\",\"plan\":\"enterprise\"}", FAILURE_INVALID },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                office_refuse(office, cases[i].person, "", "tenant-register", cases[i].input, cases[i].kind);
        office_do(office, ROOT, "", "account-create", "{\"jid\":\"" LOCAL "\"}");
        office_do(office, ROOT, "", "account-suspend", "{\"jid\":\"" LOCAL "\"}");
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\"}", FAILURE_UNAUTHENTICATED);
        office_do(office, ROOT, "", "account-resume", "{\"jid\":\"" LOCAL "\"}");
        office_do(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\"}");
        office_close(office);
}
END_TEST

START_TEST(a_second_self_made_workspace_is_refused_and_one_by_invitation_is_not) {
        Office *office = office_open();
        open_registration(office);
        office_do(office, LOCAL, "", "tenant-register", "{\"slug\":\"first\"}");
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"second\"}", FAILURE_CONFLICT);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "first"));
        char input[200], code[33];
        const char *made = office_do(office, ROOT, "", "invite-create", "{\"workspace\":true}");
        snprintf(code, sizeof(code), "%.32s", strstr(made, "\"code\":\"") + 8);
        snprintf(input, sizeof(input), "{\"slug\":\"second\",\"code\":\"%s\"}", code);
        office->registration.mode = REGISTRATION_CLOSED;
        office_refuse(office, LOCAL, "", "tenant-register", input, FAILURE_FORBIDDEN);
        office->registration.mode = REGISTRATION_INVITE;
        office_do(office, LOCAL, "", "tenant-register", input);
        snprintf(input, sizeof(input), "{\"slug\":\"third\",\"code\":\"%s\"}", code);
        office_refuse(office, LOCAL, "", "tenant-register", input, FAILURE_POLICY); /* used up */
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"fourth\",\"code\":\"guess\"}",
                      FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(an_invitation_whose_workspace_did_not_come_to_be_is_not_used) {
        Office *office = office_open();
        office->registration.mode = REGISTRATION_INVITE;
        char input[200];
        const char *made = office_do(office, ROOT, "", "invite-create",
                                     "{\"workspace\":true,\"jid\":\"" STRANGER "\"}");
        expect(made, "xmpp:agents.localhost?message;body=/tenant-register%20code=");
        snprintf(input, sizeof(input), "{\"slug\":\"acme\",\"code\":\"%.32s\"}", strstr(made, "\"code\":\"") + 8);
        office_refuse(office, STRANGER, "", "tenant-register", input, FAILURE_CONFLICT);
        strstr(input, "acme")[3] = '2';
        office_refuse(office, LOCAL, "", "tenant-register", input, FAILURE_NOT_FOUND); /* it is for somebody else */
        office_do(office, STRANGER, "", "tenant-register", input);
        expect(office_do(office, ROOT, "", "invite-list", "{}"), "\"state\":\"used\"");
        office_close(office);
}
END_TEST

typedef struct Racer {
        Office *office;
        const char *who, *tenant, *operation, *input;
        bool done;
        Failure failure;
} Racer;

static void *race(void *racer_) {
        Racer *racer = racer_;
        const Caller caller = { .principal = text_of(racer->who),
                                .tenant = text_of(racer->tenant),
                                .platform = strcmp(racer->who, ROOT) == 0,
                                .door = "test" };
        Json *json = NULL, *result = NULL;
        if (json_parse(text_of(racer->input), 0, &json, &racer->failure))
                racer->done = operation_call(&racer->office->operations, &caller,
                                             operation_find(text_of(racer->operation)), json, &result, &racer->failure);
        json_free(json);
        json_free(result);
        return NULL;
}

/* All at once; how many were done. */
static int race_all(Racer *racers, size_t count) {
        pthread_t threads[8];
        int done = 0;
        for (size_t i = 0; i < count; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        for (size_t i = 0; i < count; i++) {
                pthread_join(threads[i], NULL);
                done += racers[i].done;
        }
        return done;
}

START_TEST(of_many_registrations_at_once_of_one_person_one_is_made) {
        Office *office = office_open();
        open_registration(office);
        static const char *const inputs[] = { "{\"slug\":\"one\"}", "{\"slug\":\"two\"}", "{\"slug\":\"three\"}",
                                              "{\"slug\":\"four\"}" };
        Racer racers[COUNT_OF(inputs)];
        for (size_t i = 0; i < COUNT_OF(inputs); i++)
                racers[i] = (Racer){ office, LOCAL, "", "tenant-register", inputs[i], false, { 0 } };
        ck_assert_int_eq(race_all(racers, COUNT_OF(inputs)), 1);
        office_close(office);
}
END_TEST

/* Platform admins do it, who may still act when both have gone. */
START_TEST(of_two_owners_who_are_removed_at_once_one_stays_and_nobody_waits_for_the_other) {
        Office *office = office_open();
        for (int round = 0; round < 40; round++) {
                Racer racers[] = {
                        { office, ROOT, "acme", "member-remove", "{\"jid\":\"" OWNER "\"}", false, { 0 } },
                        { office, ROOT, "acme", "member-remove", "{\"jid\":\"" VIEWER "\"}", false, { 0 } },
                        { office,
                          ROOT,
                          "acme",
                          "member-add",
                          "{\"jid\":\"" OWNER "\",\"role\":\"viewer\"}",
                          false,
                          { 0 } },
                        { office,
                          ROOT,
                          "acme",
                          "member-add",
                          "{\"jid\":\"" VIEWER "\",\"role\":\"viewer\"}",
                          false,
                          { 0 } },
                };
                office_do(office, ROOT, "acme", "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"owner\"}");
                office_do(office, ROOT, "acme", "member-add", "{\"jid\":\"" VIEWER "\",\"role\":\"owner\"}");
                ck_assert_int_lt(race_all(racers, COUNT_OF(racers)), COUNT_OF(racers));
                for (size_t i = 0; i < COUNT_OF(racers); i++)
                        ck_assert_msg(racers[i].done || racers[i].failure.kind == FAILURE_CONFLICT ||
                                              racers[i].failure.kind == FAILURE_NOT_FOUND,
                                      "%s", racers[i].failure.text);
                ck_assert_str_eq(office_ask(office,
                                            "SELECT count(*) FROM members WHERE role = 'owner' AND removed_at IS "
                                            "NULL"),
                                 "1");
        }
        office_close(office);
}
END_TEST

START_TEST(of_many_who_take_the_last_use_of_an_invitation_at_once_one_is_a_member) {
        Office *office = office_open();
        static const char *const people[] = { STRANGER, LOCAL, "nina@example.org", "nils@example.org" };
        for (int round = 0; round < 5; round++) {
                Racer racers[COUNT_OF(people)];
                char input[100];
                const char *made = office_do(office, ADMIN, "", "invite-create", "{\"role\":\"viewer\"}");
                snprintf(input, sizeof(input), "{\"code\":\"%.32s\"}", strstr(made, "\"code\":\"") + 8);
                for (size_t i = 0; i < COUNT_OF(people); i++)
                        racers[i] = (Racer){ office, people[i], "", "invite-accept", input, false, { 0 } };
                ck_assert_int_eq(race_all(racers, COUNT_OF(racers)), 1);
                for (size_t i = 0; i < COUNT_OF(racers); i++)
                        if (racers[i].done)
                                office_do(office, people[i], "acme", "member-leave", "{}");
                        else
                                ck_assert_str_eq(racers[i].failure.text,
                                                 "this invitation is used up: ask for another one");
        }
        office_close(office);
}
END_TEST

START_TEST(the_last_owner_stays_and_only_owners_make_owners) {
        Office *office = office_open();
        static const struct {
                const char *who, *operation, *input;
                FailureKind kind;
        } refused[] = {
                { ADMIN, "member-add", "{\"jid\":\"" VIEWER "\",\"role\":\"owner\"}", FAILURE_FORBIDDEN },
                { ADMIN, "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"viewer\"}", FAILURE_FORBIDDEN },
                { ADMIN, "member-remove", "{\"jid\":\"" OWNER "\"}", FAILURE_FORBIDDEN },
                { ADMIN, "invite-create", "{\"role\":\"owner\"}", FAILURE_FORBIDDEN },
                { ADMIN, "invite-create", "{\"workspace\":true}", FAILURE_FORBIDDEN },
                { OPERATOR, "invite-create", "{}", FAILURE_FORBIDDEN },
                { OPERATOR, "member-add", "{\"jid\":\"x@example.org\"}", FAILURE_FORBIDDEN },
                { ADMIN, "tenant-delete", "{\"slug\":\"acme\"}", FAILURE_FORBIDDEN },
                { ADMIN, "tenant-export", "{\"slug\":\"acme\"}", FAILURE_FORBIDDEN },
                { OWNER, "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"admin\"}", FAILURE_CONFLICT },
                { OWNER, "member-remove", "{\"jid\":\"" OWNER "\"}", FAILURE_CONFLICT },
                { OWNER, "member-leave", "{}", FAILURE_CONFLICT },
                { ROOT, "member-remove", "{\"jid\":\"" OWNER "\"}", FAILURE_CONFLICT },
                { FOREIGN, "member-leave", "{}", FAILURE_NOT_FOUND },
                { ROOT, "member-leave", "{}", FAILURE_NOT_FOUND },
        };
        for (size_t i = 0; i < COUNT_OF(refused); i++)
                office_refuse(office, refused[i].who, "acme", refused[i].operation, refused[i].input, refused[i].kind);
        office_do(office, VIEWER, "", "member-leave", "{}");
        office_refuse(office, VIEWER, "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"owner\"}");
        office_do(office, OWNER, "", "member-leave", "{}");
        office_refuse(office, ADMIN, "", "member-leave", "{}", FAILURE_CONFLICT);
        office_close(office);
}
END_TEST

/* Sealed and plain, whatever people said and are not to read, has CANARY in it. */
static void plant_canaries(Office *office) {
        office_do(office, OWNER, "", "agent-create",
                  "{\"name\":\"open\",\"prompt\":\"CANARY prompt\",\"visibility\":\"tenant\"}");
        office_do(office, OWNER, "", "knowledge-add",
                  "{\"agent\":\"open\",\"name\":\"a.md\",\"content\":\"# CANARY\\n\\nCANARY text.\"}");
        Arena *arena = arena_new(0);
        char sql[2000], id[UUID_STRING_SIZE], hex[400];
        Uuid message, tenant;
        Text sealed;
        Failure failure;
        int key_id;
        snprintf(id, sizeof(id), "%s",
                 place_ask("SELECT left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, 12)"));
        ck_assert(uuid_parse(text_of(id), &message) && uuid_parse((Text){ office->acme, 36 }, &tenant));
        SealPlace place = { "accepted", "body", { (const char *) message.bytes, 16 } };
        ck_assert_done(keyring_seal(office->operations.keyring, tenant, place, TEXT("CANARY body"), arena, &sealed,
                                    &key_id, &failure),
                       failure);
        TextBuilder builder = text_builder(0);
        text_add_hex(&builder, (const uint8_t *) sealed.bytes, sealed.length);
        snprintf(hex, sizeof(hex), "%s", builder.bytes);
        text_builder_release(&builder);
        snprintf(
                sql, sizeof(sql),
                "INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
                "key_id, domain, body) SELECT '%s', tenant_id, id, id, 1, now(), 0, 1, %d, 'agents.localhost', '\\x%s' "
                "FROM agents WHERE name = 'open'",
                id, key_id, hex);
        office_execute(office, sql);
        arena_free(arena);
}

/* Every operation that reads, as it would be asked by somebody who looks for all there is. */
START_TEST(a_platform_admin_is_no_member_and_reads_no_bodies_by_any_operation) {
        Office *office = office_open();
        plant_canaries(office);
        char id[UUID_STRING_SIZE];
        snprintf(id, sizeof(id), "%s", office_ask(office, "SELECT id::text FROM accepted"));
        size_t asked = 0;
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                if ((*row)->effect != EFFECT_READ)
                        continue;
                Json *json = json_new_object();
                Arena *arena = arena_new(0);
                const Field *field;
                Text input;
                for (size_t i = 0; (field = operation_input(*row, i)); i++)
                        if (field->type == FIELD_AGENT)
                                json_put_string(json, field->name, "open");
                        else if (field->type == FIELD_EXECUTION)
                                json_put_string(json, field->name, id);
                        else if (strcmp(field->name, "slug") == 0)
                                json_put_string(json, field->name, "acme");
                        else if (strcmp(field->name, "limit") == 0)
                                json_put_integer(json, field->name, 200);
                ck_assert(json_canonical(json, arena, &input));
                const char *tenant = (*row)->scope == SCOPE_TENANT ? "acme" : "";
                const char *result = office_call(office, ROOT, tenant, (*row)->name, text_string(arena, input));
                ck_assert_msg(!result || !strstr(result, "CANARY"), "%s: %s", (*row)->name, result);
                asked += result != NULL;
                json_free(json);
                arena_free(arena);
        }
        ck_assert_uint_gt(asked, 15);
        ck_assert_ptr_null(strstr(office_do(office, ROOT, "acme", "member-list", "{}"), ROOT));
        /* Its owner reads all of it, so the canaries were there to be found. */
        const char *export = office_do(office, OWNER, "", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}");
        expect(export, "CANARY prompt");
        expect(export, "CANARY text");
        expect(export, "CANARY body");
        office_close(office);
}
END_TEST

static bool is_read(Office *office, const char *person, const char *id) {
        char input[100];
        snprintf(input, sizeof(input), "{\"id\":\"%s\"}", id);
        bool body = strstr(office_do(office, person, "acme", "execution-show", input), "CANARY") != NULL;
        bool prompt = strstr(office_do(office, person, "acme", "agent-show", "{\"agent\":\"open\"}"), "CANARY prompt");
        bool earlier = strstr(office_do(office, person, "acme", "agent-show", "{\"agent\":\"open\",\"version\":1}"),
                              "CANARY prompt");
        ck_assert_int_eq(body, prompt);
        ck_assert_int_eq(body, earlier);
        return body;
}

START_TEST(who_takes_an_agent_from_its_owner_reads_nothing_of_before_and_its_owner_is_told) {
        Office *office = office_open();
        plant_canaries(office);
        char id[UUID_STRING_SIZE];
        snprintf(id, sizeof(id), "%s", office_ask(office, "SELECT id::text FROM accepted"));
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"open\",\"who\":\"" OPERATOR "\",\"read_bodies\":true}");
        ck_assert(is_read(office, OWNER, id) && !is_read(office, ADMIN, id) && is_read(office, OPERATOR, id));
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"open\",\"owner\":\"" ADMIN "\"}");
        expect(office->told, OWNER ": Your agent open of acme was given to " ADMIN " by " ADMIN);
        ck_assert_str_eq(office_ask(office, "SELECT severity FROM operation_log WHERE operation = 'agent-update'"),
                         "warning");
        ck_assert(!is_read(office, ADMIN, id) && !is_read(office, OWNER, id));
        /* Nor by what he may do now: a change, going back, an export, a grant to a friend. */
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"open\",\"goal\":\"None.\"}");
        ck_assert(!is_read(office, ADMIN, id));
        office_do(office, ADMIN, "", "agent-rollback", "{\"agent\":\"open\",\"version\":1}");
        ck_assert(!is_read(office, ADMIN, id));
        office_refuse(office, ADMIN, "", "agent-update",
                      "{\"agent\":\"open\",\"provider_url\":\"https://mine.example.org\",\"model\":\"openai/any\"}",
                      FAILURE_FORBIDDEN);
        office_do(office, ADMIN, "", "grant-add", "{\"agent\":\"open\",\"who\":\"" VIEWER "\",\"read_bodies\":true}");
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"owner\"}");
        const char *export = office_do(office, ADMIN, "", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}");
        ck_assert_msg(!strstr(export, "CANARY"), "%s", export);
        char input[100];
        snprintf(input, sizeof(input), "{\"id\":\"%s\"}", id);
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" VIEWER "\",\"role\":\"operator\"}");
        ck_assert_ptr_null(strstr(office_do(office, VIEWER, "", "execution-show", input), "CANARY"));
        /* Whom the former owner let read, still reads what came then; and what comes now is the new owner's. */
        expect(office_do(office, OPERATOR, "", "execution-show", input), "CANARY body");
        office_execute(office, "UPDATE agents SET read_from = '2020-01-01' WHERE name = 'open'");
        expect(office_do(office, ADMIN, "", "execution-show", input), "CANARY body");
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"open\",\"prompt\":\"Mine.\"}");
        /* Its documents are still those of before. */
        office_execute(office, "UPDATE agents SET read_from = now() WHERE name = 'open'");
        static const char elsewhere[] = "{\"agent\":\"open\",\"prompt\":\"Mine.\",\"model\":\"openai/any\","
                                        "\"provider_url\":\"https://mine.example.org\"}";
        office_refuse(office, ADMIN, "", "agent-update", elsewhere, FAILURE_FORBIDDEN);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "such as 'a.md'"));
        office_do(office, ADMIN, "", "knowledge-remove", "{\"agent\":\"open\",\"name\":\"a.md\"}");
        office_do(office, ADMIN, "", "agent-update", elsewhere);
        expect(office_do(office, ADMIN, "", "agent-show", "{\"agent\":\"open\"}"), "\"prompt\":\"Mine.\"");
        office_close(office);
}
END_TEST

START_TEST(who_is_given_an_agent_by_its_owner_reads_all_of_it) {
        Office *office = office_open();
        plant_canaries(office);
        char id[UUID_STRING_SIZE];
        snprintf(id, sizeof(id), "%s", office_ask(office, "SELECT id::text FROM accepted"));
        office_do(office, OWNER, "", "agent-update", "{\"agent\":\"open\",\"owner\":\"" OPERATOR "\"}");
        ck_assert(is_read(office, OPERATOR, id) && !is_read(office, OWNER, id));
        /* He is no admin, and gives it on. */
        office_do(office, OPERATOR, "", "agent-update", "{\"agent\":\"open\",\"owner\":\"" ADMIN "\"}");
        ck_assert(is_read(office, ADMIN, id) && !is_read(office, OPERATOR, id));
        ck_assert_str_eq(office->told, "");
        office_close(office);
}
END_TEST

START_TEST(only_its_owner_decides_where_what_is_written_to_an_agent_goes) {
        static const char *const ways[] = {
                "\"provider_url\":\"https://api.example.org/v1\",\"model\":\"openai/any\"",
                "\"provider_key\":\"mine\"",
                "\"allowed_domains\":[\"example.org\"]",
        };
        Office *office = office_open();
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"diary\"}");
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
                char input[200];
                snprintf(input, sizeof(input), "{\"agent\":\"diary\",%s}", ways[i]);
                office_refuse(office, ADMIN, "", "agent-update", input, FAILURE_FORBIDDEN);
                office_refuse(office, ROOT, "acme", "agent-update", input, FAILURE_FORBIDDEN);
        }
        office_do(office, OPERATOR, "", "agent-update",
                  "{\"agent\":\"diary\",\"provider_url\":\"https://api.example.org/v1\",\"model\":\"openai/any\"}");
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"diary\",\"visibility\":\"tenant\"}");
        /* Nor does an admin lead it elsewhere by going back; what leads nowhere else he brings back. */
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"diary\",\"goal\":\"To listen.\"}");
        office_refuse(office, ADMIN, "", "agent-rollback", "{\"agent\":\"diary\",\"version\":1}", FAILURE_FORBIDDEN);
        office_refuse(office, ROOT, "acme", "agent-rollback", "{\"agent\":\"diary\",\"version\":1}", FAILURE_FORBIDDEN);
        office_do(office, ADMIN, "", "agent-rollback", "{\"agent\":\"diary\",\"version\":2}");
        office_do(office, OPERATOR, "", "agent-rollback", "{\"agent\":\"diary\",\"version\":1}");
        office_close(office);
}
END_TEST

START_TEST(an_event_does_not_tell_that_somebody_has_an_account_elsewhere) {
        Office *office = office_open();
        char sql[400];
        snprintf(sql, sizeof(sql),
                 "INSERT INTO security_events (tenant_id, id, at, hub, kind, severity, person_id, account_id) VALUES "
                 "(current_tenant(), gen_random_uuid(), now(), 'main', 'refusals', 'warning', gen_random_uuid(), '%s')",
                 place_ask_as("aiox_directory", NULL, "SELECT id::text FROM accounts WHERE jid = '" FOREIGN "'"));
        office_execute(office, sql);
        const char *list = office_do(office, ADMIN, "", "security-list", "{}");
        expect(list, "\"kind\":\"refusals\"");
        ck_assert_ptr_null(strstr(list, FOREIGN));
        office_close(office);
}
END_TEST

START_TEST(a_platform_admin_does_not_make_himself_a_member) {
        Office *office = office_open();
        char input[100];
        office_refuse(office, PLATFORM, "acme", "member-add", "{\"jid\":\"" PLATFORM "\"}", FAILURE_FORBIDDEN);
        const char *made = office_do(office, PLATFORM, "acme", "invite-create", "{\"role\":\"viewer\"}");
        snprintf(input, sizeof(input), "{\"code\":\"%.32s\"}", strstr(made, "\"code\":\"") + 8);
        office_refuse(office, PLATFORM, "", "invite-accept", input, FAILURE_FORBIDDEN);
        office_do(office, LOCAL, "", "invite-accept", input);
        made = office_do(office, ADMIN, "", "invite-create", "{\"role\":\"viewer\"}");
        snprintf(input, sizeof(input), "{\"code\":\"%.32s\"}", strstr(made, "\"code\":\"") + 8);
        office_do(office, PLATFORM, "", "invite-accept", input);
        office_close(office);
}
END_TEST

START_TEST(an_export_comes_in_pages_that_hold_everything_once_and_is_always_recorded) {
        Office *office = office_open();
        plant_canaries(office);
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"hidden\",\"prompt\":\"SECRET of the admin\"}");
        char input[200], after[100] = "";
        int records = 0, pages = 0, executions = 0, agents = 0, whole = 0;
        const char *page = office_do(office, OWNER, "", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}");
        for (const char *at = page; (at = strstr(at, "\"kind\":")); at++)
                whole++;
        do {
                snprintf(input, sizeof(input), "{\"slug\":\"acme\",\"limit\":3%s%s%s}", *after ? ",\"after\":\"" : "",
                         after, *after ? "\"" : "");
                page = office_do(office, OWNER, "", "tenant-export", input);
                ck_assert_ptr_null(strstr(page, "SECRET of the admin")); /* its owner's, and not the tenant's */
                for (const char *at = page; (at = strstr(at, "\"kind\":")); at++, records++) {
                        executions += strncmp(at, "\"kind\":\"execution\"", 18) == 0;
                        agents += strncmp(at, "\"kind\":\"agent\"", 14) == 0;
                }
                pages++;
                const char *next = strstr(page, "\"after\":\"");
                snprintf(after, sizeof(after), "%.*s", next ? (int) strcspn(next + 9, "\"") : 0, next ? next + 9 : "");
        } while (*after && pages < 100);
        ck_assert_int_eq(records, whole);
        ck_assert_int_eq(executions, 1);
        ck_assert_int_eq(agents, 2);
        char count[20];
        snprintf(count, sizeof(count), "%d", pages + 1);
        ck_assert_str_eq(
                office_ask(office, "SELECT count(*)::text FROM operation_log WHERE operation = 'tenant-export'"),
                count);
        static const char *const wrong[] = { "x", "agent", "agent:", "agent:x", "nothing:1", ":" };
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                snprintf(input, sizeof(input), "{\"slug\":\"acme\",\"after\":\"%s\"}", wrong[i]);
                office_refuse(office, OWNER, "", "tenant-export", input, FAILURE_INVALID);
        }
        office_refuse(office, FOREIGN, "", "tenant-export", "{\"slug\":\"acme\"}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(who_takes_the_name_of_a_deleted_agent_reads_nothing_that_was_written_to_it) {
        Office *office = office_open();
        char show[100];
        plant_canaries(office); /* of an agent of the owner's */
        snprintf(show, sizeof(show), "{\"id\":\"%s\"}", office_ask(office, "SELECT id::text FROM accepted"));
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"open\"}");
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        static const char *const others[] = { OPERATOR, ADMIN };
        for (size_t i = 0; i < COUNT_OF(others); i++)
                expect(office_do(office, others[i], "", "execution-show", show), "\"readable\":false");
        expect(office_do(office, OWNER, "", "execution-show", show), "CANARY body"); /* whose it was */
        ck_assert_ptr_null(strstr(office_do(office, ROOT, "acme", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}"),
                                  "CANARY"));
        office_close(office);
}
END_TEST

START_TEST(who_was_let_read_bodies_reads_them_while_that_holds_and_no_longer) {
        Office *office = office_open();
        char show[100];
        plant_canaries(office); /* of an agent of the owner's */
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"owner\"}");
        snprintf(show, sizeof(show), "{\"id\":\"%s\"}", office_ask(office, "SELECT id::text FROM accepted"));
        static const struct {
                const char *change;
                bool holds;
        } grants[] = {
                { "SELECT", false },
                { "INSERT INTO grants (tenant_id, id, agent_id, kind, subject, read_bodies) SELECT tenant_id, id, id, "
                  "'jid', '" ADMIN "', true FROM agents",
                  true },
                { "UPDATE grants SET expires_at = now() - interval '1 second'", false },
                { "UPDATE grants SET expires_at = NULL, not_before = now() + interval '1 hour'", false },
                { "UPDATE grants SET not_before = NULL, read_bodies = false", false }
        };
        for (size_t i = 0; i < COUNT_OF(grants); i++) {
                office_execute(office, grants[i].change);
                const char *seen = office_do(office, ADMIN, "", "execution-show", show);
                ck_assert_msg((strstr(seen, "CANARY") != NULL) == grants[i].holds, "%zu: %s", i, seen);
                seen = office_do(office, ADMIN, "", "agent-show", "{\"agent\":\"open\"}");
                ck_assert_msg((strstr(seen, "CANARY") != NULL) == grants[i].holds, "%zu: %s", i, seen);
                seen = office_do(office, ADMIN, "", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}");
                ck_assert_msg((strstr(seen, "CANARY") != NULL) == grants[i].holds, "%zu: %s", i, seen);
        }
        office_close(office);
}
END_TEST

START_TEST(what_another_hub_made_a_moment_ago_works_and_its_refusals_are_recorded) {
        Office *office = office_open();
        Keyring *own = office->operations.keyring, *of_other;
        char sql[120];
        ck_assert_done(
                keyring_open(office->operations.database, getenv("AIOX_MASTER_KEY_FILE"), &of_other, &office->failure),
                office->failure);
        const char *made = office_do(office, ROOT, "", "tenant-create", "{\"slug\":\"young\",\"owner\":\"" OWNER "\"}");
        expect(made, "\"id\":\"");
        snprintf(sql, sizeof(sql), "SELECT set_config('aiox.tenant', '%.36s', false)", strstr(made, "\"id\":\"") + 6);
        office->operations.keyring = of_other;
        office_refuse(office, OWNER, "young", "agent-pause", "{\"agent\":\"nobody\"}", FAILURE_NOT_FOUND);
        place_execute(sql);
        ck_assert_str_eq(place_ask("SELECT count(*)::text FROM operation_log WHERE operation = 'agent-pause'"), "1");
        office_do(office, OWNER, "young", "agent-create", "{\"name\":\"first\",\"prompt\":\"Be kind.\"}");
        office->operations.keyring = own;
        expect(office_do(office, OWNER, "young", "agent-show", "{\"agent\":\"first\"}"), "Be kind.");
        keyring_free(of_other);
        office_close(office);
}
END_TEST

START_TEST(a_deleted_tenant_is_gone_for_its_members_at_once_and_comes_back_whole) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\",\"prompt\":\"Be kind.\"}");
        office->heard_count = 0;
        expect(office_do(office, OWNER, "", "tenant-delete", "{\"slug\":\"acme\"}"), "\"restorable_until\":\"");
        ck_assert_int_eq(office->heard[0], DIRECTORY_TENANT);
        static const char *const people[] = { OWNER, ADMIN, VIEWER };
        for (size_t i = 0; i < COUNT_OF(people); i++) {
                office_refuse(office, people[i], "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
                office_refuse(office, people[i], "", "agent-show", "{\"agent\":\"support.acme@agents.localhost\"}",
                              FAILURE_NOT_FOUND);
                expect(office_do(office, people[i], "", "tenant-list", "{}"), "\"data\":[]");
        }
        office_refuse(office, ROOT, "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, ROOT, "", "tenant-create", "{\"slug\":\"acme\"}", FAILURE_CONFLICT);
        office_refuse(office, OWNER, "", "tenant-delete", "{\"slug\":\"acme\"}", FAILURE_NOT_FOUND);
        expect(office_do(office, OWNER, "", "tenant-list", "{\"state\":\"deleted\"}"), "\"slug\":\"acme\"");
        office_refuse(office, ADMIN, "", "tenant-restore", "{\"slug\":\"acme\"}", FAILURE_FORBIDDEN);
        office_refuse(office, FOREIGN, "", "tenant-restore", "{\"slug\":\"acme\"}", FAILURE_NOT_FOUND);
        expect(office_do(office, OWNER, "", "tenant-restore", "{\"slug\":\"acme\"}"), "\"state\":\"active\"");
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support\"}"), "Be kind.");
        office_refuse(office, ROOT, "", "tenant-delete", "{\"slug\":\"installation\"}", FAILURE_POLICY);
        office_close(office);
}
END_TEST

static char kept[2000];

static void keep_said(void *listener, const char *sentence) {
        (void) listener;
        strncat(kept, sentence, sizeof(kept) - strlen(kept) - 2);
        strcat(kept, "\n");
}

static void keep(Office *office) {
        KeepSettings settings = { .days_ahead = 2 };
        Failure failure;
        *kept = '\0';
        ck_assert_done(schema_keep(office->operations.database, &settings, keep_said, NULL, &failure), failure);
}

/* As the owner sees it, who sees one tenant at a time. */
static const char *rows_left(Office *office) {
        office_execute(office, "CREATE TEMP TABLE IF NOT EXISTS left_over (name text); DELETE FROM left_over");
        office_execute(
                office,
                "DO $$ DECLARE place regclass; found bigint; BEGIN "
                "FOR place IN SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "AND a.attname = 'tenant_id' WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
                "AND NOT c.relispartition AND c.relname NOT IN ('audit', 'audit_closings', 'persons') LOOP "
                "EXECUTE format('SELECT count(*) FROM %s WHERE tenant_id = current_tenant()', place) INTO found; "
                "IF found > 0 THEN INSERT INTO left_over VALUES (place::text); END IF; END LOOP; END $$");
        return office_ask(office, "SELECT coalesce(string_agg(name, ' '), 'none') FROM left_over");
}

START_TEST(what_is_not_restored_is_destroyed_with_its_key_and_its_name_is_not_given_again) {
        Office *office = office_open();
        plant_canaries(office);
        Uuid tenant;
        ck_assert(uuid_parse((Text){ office->acme, 36 }, &tenant));
        office_execute(office, "INSERT INTO audit (tenant_id, position, at, hub, type, severity, facts, hash) "
                               "SELECT current_tenant(), 1, now(), 1, 'x', 'info', '{}', sha256('x')");
        office_execute(office, "INSERT INTO persons (tenant_id, id, jid, key_id) "
                               "SELECT current_tenant(), gen_random_uuid(), 'sealed', 1");
        office_execute(office,
                       "INSERT INTO audit_closings (tenant_id, hub, position, at, hash, public, signature) SELECT "
                       "current_tenant(), 1, 1, now(), sha256('x'), sha256('y'), sha256('z') || sha256('z')");
        office_do(office, OWNER, "", "invite-create", "{}");
        office_do(office, OWNER, "", "tenant-delete", "{\"slug\":\"acme\"}");
        keep(office);
        ck_assert_str_ne(rows_left(office), "none"); /* its time has not come */
        office_execute(office,
                       "UPDATE tenants SET destroy_at = now() - interval '1 second' WHERE id = current_tenant()");
        office_refuse(office, OWNER, "", "tenant-restore", "{\"slug\":\"acme\"}", FAILURE_CONFLICT);
        keep(office);
        expect(kept, "kept, for not all of it is over and in the audit yet: tenant acme");
        office_execute(office, "UPDATE operation_log SET chained = true");
        keep(office);
        expect(kept, "kept, for not all of it is over"); /* somebody's message is still to be answered */
        office_execute(office, "INSERT INTO concluded SELECT id, tenant_id, NULL, 1, now(), 0, 0, 0, 0, 0, 0, 0, 0, 0, "
                               "0, 1, 1, 1, 3, 1 FROM accepted");
        keep(office);
        expect(kept, "destroyed tenant acme");
        ck_assert_str_eq(rows_left(office), "none");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM audit"), "1");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM audit_closings"), "1");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM persons WHERE jid IS NOT NULL"), "0");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM persons"), "1");
        ck_assert_str_eq(office_ask(office, "SELECT (destroyed_at IS NOT NULL)::text FROM tenants WHERE slug = 'acme'"),
                         "true");
        office_refuse(office, OWNER, "", "tenant-restore", "{\"slug\":\"acme\"}", FAILURE_NOT_FOUND);
        office_refuse(office, ROOT, "", "tenant-create", "{\"slug\":\"acme\"}", FAILURE_CONFLICT);
        /* Its audit is there to be listed and computed again, which tells that somebody put a record into it. */
        expect(office_do(office, ROOT, "acme", "audit-list", "{}"), "\"type\":\"x\"");
        expect(office_do(office, ROOT, "acme", "audit-export", "{}"), "\\\"type\\\":\\\"x\\\"");
        office_refuse(office, ROOT, "acme", "audit-verify", "{}", FAILURE_CONFLICT);
        office_refuse(office, OWNER, "acme", "audit-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, ROOT, "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
        expect(office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"mine\"}"), "mine.other@");
        /* A hub that starts now has no key of it. */
        Keyring *fresh = NULL;
        Failure failure;
        ck_assert_done(keyring_open(office->operations.database, getenv("AIOX_MASTER_KEY_FILE"), &fresh, &failure),
                       failure);
        ck_assert(!keyring_has(fresh, tenant));
        keyring_free(fresh);
        office_close(office);
}
END_TEST

START_TEST(who_deleted_the_workspace_he_made_gets_no_other_until_it_is_destroyed) {
        Office *office = office_open();
        open_registration(office);
        office_do(office, LOCAL, "", "tenant-register", "{\"slug\":\"lenas\"}");
        office_do(office, LOCAL, "", "tenant-delete", "{\"slug\":\"lenas\"}");
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"again\"}", FAILURE_CONFLICT);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "tenant-restore"));
        office_do(office, LOCAL, "", "tenant-restore", "{\"slug\":\"lenas\"}");
        office_refuse(office, LOCAL, "", "tenant-register", "{\"slug\":\"again\"}", FAILURE_CONFLICT);
        office_close(office);
}
END_TEST

UNIT_TESTS("operations/tenants", nobody_registers_where_it_is_closed_or_without_a_code_where_it_is_by_invitation,
           a_person_of_the_own_server_gets_a_workspace_that_works, whose_domain_is_not_listed_needs_an_invitation,
           what_cannot_be_registered_is_refused_and_leaves_nothing,
           a_second_self_made_workspace_is_refused_and_one_by_invitation_is_not,
           an_invitation_whose_workspace_did_not_come_to_be_is_not_used,
           of_many_registrations_at_once_of_one_person_one_is_made,
           of_two_owners_who_are_removed_at_once_one_stays_and_nobody_waits_for_the_other,
           of_many_who_take_the_last_use_of_an_invitation_at_once_one_is_a_member,
           the_last_owner_stays_and_only_owners_make_owners,
           a_platform_admin_is_no_member_and_reads_no_bodies_by_any_operation,
           who_takes_an_agent_from_its_owner_reads_nothing_of_before_and_its_owner_is_told,
           who_is_given_an_agent_by_its_owner_reads_all_of_it,
           an_event_does_not_tell_that_somebody_has_an_account_elsewhere,
           only_its_owner_decides_where_what_is_written_to_an_agent_goes,
           a_platform_admin_does_not_make_himself_a_member,
           an_export_comes_in_pages_that_hold_everything_once_and_is_always_recorded,
           who_takes_the_name_of_a_deleted_agent_reads_nothing_that_was_written_to_it,
           who_was_let_read_bodies_reads_them_while_that_holds_and_no_longer,
           what_another_hub_made_a_moment_ago_works_and_its_refusals_are_recorded,
           a_deleted_tenant_is_gone_for_its_members_at_once_and_comes_back_whole,
           what_is_not_restored_is_destroyed_with_its_key_and_its_name_is_not_given_again,
           who_deleted_the_workspace_he_made_gets_no_other_until_it_is_destroyed)
