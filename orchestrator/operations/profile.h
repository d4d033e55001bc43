/* What the operations on profiles share: whose it is, and what is shown of it. A profile is what a person says of
 * himself to the installation; it belongs to no tenant, and only he reads and changes it.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

/* The rows of profile_read of who calls. NOT_FOUND: he has no account; INVALID: it is no person. */
bool profile_read(OperationContext *context, const Rows **ret_rows, Failure *reterr_failure) _must_check_;
/* The profile as it is now. with_picture: its bytes too, in base64. */
bool profile_result(OperationContext *context, bool with_picture, Json **ret_result,
                    Failure *reterr_failure) _must_check_;
/* Puts those rows into an object. */
bool profile_put(OperationContext *context, const Rows *rows, bool with_picture, Json *profile,
                 Failure *reterr_failure) _must_check_;
/* Sends a new code to the address, which is unproved from then on. ret_sent false: this hub sends no mail. */
bool profile_send_code(OperationContext *context, Uuid account_id, Text address, bool *ret_sent,
                       Failure *reterr_failure) _must_check_;
