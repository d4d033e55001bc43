/* The journal, as the hub thread uses it: it takes one StoreRequest at a time (base/record.h says what each asks) and
 * gives one StoreReport for it, over one connection of the role aiox_journal in libpq's pipeline mode. It seals, makes
 * persons' ids and computes the audit chain. Not for workers, whose queries go through store/database.h, and not the
 * place where anything is decided.
 *
 * Belongs to one thread; no call blocks, save that journal_new() looks up no more than it is given. The caller polls
 * journal_descriptor(), which changes when it reconnects, for reading, and for writing while journal_wants_write();
 * after that, and at the latest at journal_wake(), it calls journal_ready() until it returns NULL.
 *
 *      journal_send(journal, command->request, now);
 *      while ((report = journal_ready(journal, now)))
 *              core_step(core, now, &(Event){ EVENT_STORE, .report = report }, &commands);
 *
 * A message read back (START, TAKE_OVER) has no body: the role may not read bodies, whoever needs one reads it as the
 * tenant. Everything else of it is there.
 */
#pragma once

#include "base/record.h"
#include "store/heads.h"
#include "store/keyring.h"

typedef struct Journal Journal;

typedef struct JournalSettings {
        const char *conninfo; /* without user */
        bool unsafe;          /* goes on although fsync or synchronous_commit is off */
        int64_t patience_us;  /* for one answer of the server, then the connection is given up; 0 = 10 s */
} JournalSettings;

/* The keyring is borrowed and must hold the keys of every tenant that a request names: a row of another tenant is
 * refused. Begins to connect at the first request. */
Journal *journal_new(const JournalSettings *settings, Keyring *keyring);
int journal_descriptor(const Journal *journal); /* -1 while there is none */
bool journal_wants_write(const Journal *journal);
int64_t journal_wake(const Journal *journal); /* monotonic; INT64_MAX when nothing is due */
bool journal_is_connected(const Journal *journal);
/* False while a request is under way. */
bool journal_is_idle(const Journal *journal);

/* Only when idle. The request, with all it points to, must live until its report. While the database is away the report
 * is STORE_UNAVAILABLE, at the latest after the pause before the next attempt to connect. */
void journal_send(Journal *journal, const StoreRequest *request, Moment now);
/* The ends of chains that moved since this was asked last, as they are committed; tenant, position and hash of each are
 * filled in. An array to be freed, NULL when there is none. */
size_t journal_take_heads(Journal *journal, AuditHead **ret_heads);
/* Whose row was erased: its next message writes it again. */
void journal_forget_person(Journal *journal, Uuid person_id);
/* Moves on as far as it can without waiting; the report, when there is one. Whoever takes it frees its arena. */
StoreReport *journal_ready(Journal *journal, Moment now);
void journal_free(Journal *journal);
DEFINE_RELEASE(Journal *, journal_free)
