/* JIDs (RFC 7622): split, checked and normalised with the stringprep profiles nodeprep, nameprep and resourceprep
 * (RFC 6122, as ejabberd does); ASCII takes a short cut. Two JIDs are the same person iff their bytes are equal after
 * jid_parse(), and parsing its result changes nothing. A domain that ends in a dot is refused, not shortened. Not
 * escaping (XEP-0106): agent names are plain.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"

#define JID_LIMIT 3071 /* bytes, RFC 7622 §3.1 */

typedef struct Jid {
        Text full;     /* local@domain/resource, normalised */
        Text bare;     /* local@domain: a prefix of full */
        Text local;    /* may be empty */
        Text domain;   /* never empty */
        Text resource; /* may be empty */
} Jid;

/* The parts point into the arena. FAILURE_INVALID names the part that is wrong. */
bool jid_parse(Arena *arena, Text text, Jid *ret_jid, Failure *reterr_failure) _must_check_;
/* An address that has been parsed before, without its resource. */
Text jid_bare(Text address);
/* The domain of a normalised bare JID: what follows the '@', or all of it. */
Text jid_domain(Text bare);
/* Of a bare JID that is normalised already, without looking at it again; the parts point into it. */
Jid jid_of_bare(Text bare);
