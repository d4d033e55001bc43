/* Store cases: what base/record.h promises about each StoreRequest, as one table of tests that runs against PostgreSQL
 * and against the simulator's store alike. A program that links cases.c says which by store_under_test() and calls
 * store_cases_run(). Not tests of what only one of them has.
 *
 * Several clients stand for several processes, each with a connection of its own; one asks at a time.
 */
#pragma once

#include "base/record.h"

#define STORE_CLIENTS 4

typedef struct StoreUnderTest StoreUnderTest;
struct StoreUnderTest {
        /* Asks and waits; whoever gets the report frees its arena. */
        StoreReport *(*ask)(StoreUnderTest *store, int client, const StoreRequest *request);
        /* The same, but the report is lost after the request was carried out: UNAVAILABLE. */
        StoreReport *(*ask_deaf)(StoreUnderTest *store, int client, const StoreRequest *request);
        /* The request does not reach the store: UNAVAILABLE. */
        StoreReport *(*ask_dumb)(StoreUnderTest *store, int client, const StoreRequest *request);
        /* Make a record such that the store refuses its bytes. */
        void (*spoil_accepted)(StoreUnderTest *store, AcceptedRecord *record);
        void (*spoil_concluded)(StoreUnderTest *store, ConcludedRecord *record);
        Uuid tenant_id; /* whose rows can be written */
};

/* An empty store, made by the program for each case. */
StoreUnderTest *store_under_test(void);

/* Runs them all; what main() returns. */
int store_cases_run(const char *module);
