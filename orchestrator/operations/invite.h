/* What the operations on invitations share: codes, which are random, shown once and kept as a hash, and what is said of
 * one that does not hold.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "orchestrator/operations/context.h"

#define INVITE_CODE_SIZE 33 /* 128 random bits in hexadecimal, and the NUL */

void invite_code_make(char ret_code[static INVITE_CODE_SIZE]);
/* However it was copied: white space around it and capitals do not matter. */
Hash invite_hash(Text code);
/* verdict: as take_invite() of the database gives it. Returns false. */
bool invite_refuse(Text verdict, Failure *reterr_failure);
