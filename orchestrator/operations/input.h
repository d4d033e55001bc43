/* Input: an operation's input, checked against its fields: every key known, every required one there, each of its type
 * and within its bounds. Not authorisation, and no look-up of names: a FIELD_AGENT is only well-formed here.
 *
 * Numbers and booleans may come as text, since forms, queries and chat have nothing else. It lives in the arena and
 * is constant; any thread; never blocks. The getters take the name of a field that the row has.
 */
#pragma once

#include "orchestrator/operations/operation.h"

/* json: an object, or NULL for none. FAILURE_INVALID (or TOO_LARGE) names the key and what it must be. */
bool input_check(const Operation *operation, const Json *json, Arena *arena, const Input **ret_input,
                 Failure *reterr_failure) _must_check_;

/* One value alone, as text. */
bool input_value_check(const Field *field, Text text, Arena *arena, Failure *reterr_failure) _must_check_;

bool input_has(const Input *input, const char *name);        /* given, or has a default */
Text input_text(const Input *input, const char *name);       /* any kind of text; TEXT_NONE when absent */
int64_t input_integer(const Input *input, const char *name); /* also durations and times; 0 when absent */
double input_real(const Input *input, const char *name);
bool input_boolean(const Input *input, const char *name);
Uuid input_uuid(const Input *input, const char *name);
/* A choice's position in .choices, from 0; -1 when absent. */
int input_choice(const Input *input, const char *name);
size_t input_list(const Input *input, const char *name, const Text **ret_items);

/* The same input always gives the same text, however it was spelled: for the digest of an idempotent request. */
bool input_canonical(const Input *input, Arena *arena, Text *ret_text) _must_check_;
/* The object that was checked, normalised: every present value, in the order of the fields. Caller frees. */
Json *input_json(const Input *input);

/* 1 to 63 of a-z, 0-9, '_' and '-'. */
bool is_name(Text text);
bool duration_parse(Text text, int64_t *ret_seconds) _must_check_;
bool time_parse(Text text, int64_t *ret_wall_us) _must_check_; /* RFC 3339 */
