/* What it takes to verify a tenant's audit: a chain of as many records as are wanted, written by COPY with the hashes
 * that a hub would have given them, is read and recomputed through store/verify.h. Beside it, how long the hashes alone
 * take.
 *
 *      tests/lab/with-postgres build/tests/bench/store/bench-audit [RECORDS]       1,000,000
 */
#include "store/audit.h"
#include "base/clock.h"
#include "base/map.h"
#include "store/verify.h"
#include "tests/integration/store/place.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define FACTS                                                                                                          \
        "{\"attempt\":0,\"completion_tokens\":212,\"cost_nano\":1830000,\"outcome\":\"success\",\"policy\":"           \
        "\"b65288a2a4d6b62bafc2bceeda0918a34c71978f16451435ff944df8b875ee4c\",\"prompt_tokens\":1408,"                 \
        "\"reason\":\"none\",\"version\":\"01a1fcd3-ba14-7335-a6b5-5b3b08123308\"}"

static void copy_row(PGconn *session, const AuditEntry *entry, const Hash *hash) {
        char line[1200], ids[4][UUID_STRING_SIZE];
        const Uuid uuids[] = { entry->tenant_id, entry->message_id, entry->agent_id, entry->person_id };
        TextBuilder hex = text_builder(0);
        for (size_t i = 0; i < COUNT_OF(uuids); i++)
                uuid_format(uuids[i], ids[i]);
        text_add_hex(&hex, hash->bytes, HASH_SIZE);
        int length = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s\t%lld\t1\t%lld.%06lld\t%s\t\\\\x%s\n", ids[0], ids[1],
                              ids[2], ids[3], (long long) entry->position, (long long) (entry->at_us / SECONDS),
                              (long long) (entry->at_us % SECONDS), FACTS, hex.bytes);
        if (PQputCopyData(session, line, length) != 1)
                abort();
        text_builder_release(&hex);
}

/* The owner is bound by row security too, under which there is no COPY: so not while this goes on. */
static void write_chain(Uuid tenant_id, int64_t count, AuditHead *ret_head) {
        UuidGenerator generator = { 0 };
        PGconn *session = PQconnectdb(getenv("AIOX_DATABASE_OWNER"));
        Uuid agent_id = uuid_make(&generator, clock_now().wall_us);
        AuditEntry entry = { .tenant_id = tenant_id,
                             .agent_id = agent_id,
                             .person_id = agent_id,
                             .hub = TEXT("main"),
                             .type = TEXT("message.concluded"),
                             .severity = TEXT("info"),
                             .facts = TEXT(FACTS) };
        Hash hash = { { 0 } };
        int64_t now_us = clock_now().wall_us;
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) "
                      "VALUES (1, 'main', 1, 'a10c0000-0000-4000-8000-000000000001', 'agents.example')");
        place_execute("CREATE TABLE given (tenant_id uuid, message_id uuid, agent_id uuid, person_id uuid, "
                      "position bigint, hub smallint, at double precision, facts text, hash bytea)");
        PQclear(PQexec(session, "COPY given FROM STDIN"));
        for (entry.position = 1; entry.position <= count; entry.position++) {
                entry.message_id = uuid_make(&generator, now_us);
                entry.at_us = now_us - now_us % SECONDS + entry.position % SECONDS;
                hash = audit_hash(&hash, &entry);
                copy_row(session, &entry, &hash);
        }
        if (PQputCopyEnd(session, NULL) != 1)
                abort();
        PGresult *result;
        while ((result = PQgetResult(session))) {
                if (PQresultStatus(result) != PGRES_COMMAND_OK)
                        fprintf(stderr, "%s", PQresultErrorMessage(result));
                PQclear(result);
        }
        PQfinish(session);
        place_execute("ALTER TABLE audit DISABLE ROW LEVEL SECURITY");
        place_execute(
                "INSERT INTO audit (tenant_id, message_id, agent_id, person_id, position, at, hub, type, severity, "
                "facts, hash) SELECT tenant_id, message_id, agent_id, person_id, position, to_timestamp(at), hub, "
                "'message.concluded', 'info', facts, hash FROM given");
        place_execute("ALTER TABLE audit ENABLE ROW LEVEL SECURITY; DROP TABLE given");
        place_execute("VACUUM ANALYZE audit");
        *ret_head = (AuditHead){
                .tenant_id = tenant_id, .hub = TEXT("main"), .position = count, .hash = hash, .at_us = now_us
        };
}

static double hashes_alone(const AuditHead *head) {
        AuditEntry entry = {
                .hub = TEXT("main"), .type = TEXT("message.concluded"), .severity = TEXT("info"), .facts = TEXT(FACTS)
        };
        Hash hash = { { 0 } };
        int64_t begun_us = clock_now().monotonic_us;
        for (entry.position = 1; entry.position <= head->position; entry.position++)
                hash = audit_hash(&hash, &entry);
        return (double) (clock_now().monotonic_us - begun_us) / SECONDS;
}

int main(int count, char **words) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = NULL;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        int64_t records = count > 1 ? atoll(words[1]) : 1000000;
        AuditVerdict verdict;
        AuditHead head;
        Failure failure;
        Key seed;
        place_fresh(database);
        if (!keyring_open(database, getenv("AIOX_MASTER_KEY_FILE"), &keyring, &failure)) {
                fprintf(stderr, "%s\n", failure.text);
                return 1;
        }
        write_chain(place_tenant(database, keyring, "acme"), records, &head);
        crypto_random(seed.bytes, sizeof(seed.bytes));
        head_sign(&head, &seed);
        AuditProof proof = { &head, 1, &head.key, 1 };
        for (int round = 0; round < 3; round++) {
                int64_t begun_us = clock_now().monotonic_us;
                if (!audit_verify(database, head.tenant_id, &proof, arena, &verdict, &failure)) {
                        fprintf(stderr, "%s\n", failure.text);
                        return 1;
                }
                if (verdict.breach != AUDIT_INTACT || verdict.rows != records) {
                        fprintf(stderr, "the verdict is wrong: breach %d at %lld\n", (int) verdict.breach,
                                (long long) verdict.position);
                        return 1;
                }
                printf("%lld records verified in %.2f s (wanted: a million within 10 s); their hashes alone %.2f s\n",
                       (long long) records, (double) (clock_now().monotonic_us - begun_us) / SECONDS,
                       hashes_alone(&head));
        }
        return 0;
}
