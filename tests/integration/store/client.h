/* A client of the store under test: what a hub keeps between requests, and requests as a hub makes them. For the store
 * cases. What a report holds lives until the case, a process of its own, ends.
 *
 * One thread. A step that does not go as it must fails the test.
 */
#pragma once

#include "tests/integration/store/cases.h"

#define DOMAIN "agents.example"

/* A process that asks: what the core keeps between requests. */
typedef struct Client {
        StoreUnderTest *store;
        int number;
        Text hub;
        Uuid process;
        int64_t epoch, counter;
        uint64_t requests;
} Client;

typedef StoreReport *(*Asker)(StoreUnderTest *store, int client, const StoreRequest *request);

Uuid new_id(void);
Hash hash_of(const char *string);
Client client_new(StoreUnderTest *store, int number, const char *hub);
StoreRequest client_request(Client *client, StoreRequestKind kind);
/* Reports are kept until the process ends. ask() asks again while the store is unavailable, as the core does. */
StoreReport *client_ask_by(Asker asker, Client *client, const StoreRequest *request);
StoreReport *client_ask(Client *client, const StoreRequest *request);
StoreReport *client_ask_done(Client *client, const StoreRequest *request);
StoreReport *client_start(Client *client);
int64_t client_sequence(Client *client);
/* Records with every field filled; key NULL: none. */
AcceptedRecord client_message(Client *client, const char *key);
ConcludedRecord client_conclusion(Client *client, Uuid id, const char *answer);
StepRecord client_step(Client *client, Uuid message_id, int32_t ordinal, StepKind kind, const char *payload);
StoreReport *client_commit(Client *client, JournalBatch batch);
/* One message that must be new. */
AcceptedRecord client_accept(Client *client, const char *key);
void client_conclude(Client *client, Uuid id, const char *answer, RowFate fate);
StoreReport *client_take_over(Client *client, const Client *other);
/* The open messages of a START or TAKE_OVER are these, with all they were written with save the body. */
void assert_open(const StoreReport *report, const AcceptedRecord *records, size_t count);

/* The cases of each file; how many they are. */
struct TTest;
size_t batch_cases(const struct TTest **ret_cases);
size_t lease_cases(const struct TTest **ret_cases);
