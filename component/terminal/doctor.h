/* The doctor: one check after another of everything a hub needs, each with a finding and, when it fails, one thing to
 * do about it. It changes nothing, save that a database without any key gets its first; and it disturbs nothing but the
 * component listener, and that only while no hub runs.
 *
 * Blocks; main thread.
 */
#pragma once

#include "component/settings/settings.h"
#include "store/database.h"

typedef enum FindingState { FINDING_GOOD, FINDING_BAD, FINDING_SKIPPED } FindingState;

typedef struct Finding {
        FindingState state;
        char text[FAILURE_TEXT_LIMIT]; /* what was found */
        char fix[FAILURE_TEXT_LIMIT];  /* BAD: what to do */
        int exit_code;
} Finding;

/* What the checks share. */
typedef struct Doctor {
        const Settings *settings;
        Database *database;
        bool database_answers, database_is_empty;
        bool hub_runs; /* somebody listens on the api_socket */
        Arena *arena;
} Doctor;

typedef void Check(Doctor *doctor, Finding *finding);

/* doctor_checks.c */
Check check_secrets, check_database, check_extension, check_schema, check_partitions, check_master_key, check_audit_key,
        check_clock, check_redis;
/* doctor_link.c */
Check check_component, check_budgets;

void finding_good(Finding *finding, const char *format, ...) _printf_(2, 3);
void finding_skipped(Finding *finding, const char *format, ...) _printf_(2, 3);
/* fix: one sentence. */
void finding_bad(Finding *finding, const char *fix, FailureKind kind, const char *format, ...) _printf_(4, 5);
/* The failure's own sentence names cause and fix. */
void finding_failed(Finding *finding, const Failure *failure, const char *fix);
