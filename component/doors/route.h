/* Routes: from method, path and query to an operation and its input, and from a failure to a problem document. Derived
 * from the operations' rows; knows nothing of sockets, so that it can be tested and fuzzed alone.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "orchestrator/operations/operation.h"

#define ROUTE_PREFIX      "/api/v1"
#define ROUTE_BODY_LIMIT  (1024 * 1024)
#define ROUTE_PARTS_LIMIT 8

/* The operation that method and path name; its {parts} are put into `input` as texts. NOT_FOUND when no operation has
 * this path, UNSUPPORTED when another method has it (ret_allowed then lists those, "GET, PATCH"). */
bool route_find(const char *method, Text path, Arena *arena, Json *input, const Operation **ret_operation,
                Text *ret_allowed, Failure *reterr_failure) _must_check_;
/* Puts the members of a JSON body into input; INVALID when one stands there already. */
bool route_add_body(Text body, Json *input, Failure *reterr_failure) _must_check_;
bool route_add_query(const char *name, Text value, Json *input, Failure *reterr_failure) _must_check_;

/* {"type", "title", "status", "code", "detail"}; the caller frees it. */
Json *route_problem(const Failure *failure, int status);
