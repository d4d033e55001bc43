/* The clerk: brings the directory from the store to the hub thread; all of it once at the start, then, once a second,
 * what has changed since on any hub, with requests to cancel. Not where operations apply their own changes: those reach
 * the hub thread before they are answered.
 *
 * clerk_load() blocks and is called before the hub thread runs; after clerk_start() the clerk has a thread of its own.
 */
#pragma once

#include "base/queue.h"
#include "orchestrator/directory/directory.h"
#include "store/keyring.h"

typedef struct Clerk Clerk;

Clerk *clerk_new(Database *database, Keyring *keyring);
/* Applies every row to a directory that nobody else uses yet. */
bool clerk_load(Clerk *clerk, Directory *directory, Failure *reterr_failure) _must_check_;
void clerk_start(Clerk *clerk, Queue *inbox);
/* Stops its thread, if it has one. */
void clerk_free(Clerk *clerk);
