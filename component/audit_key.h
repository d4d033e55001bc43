/* The key that this hub signs the ends of its audit chains with (Ed25519): a file beside the master key unless
 * audit_key_file says where. Not where a signed end goes (component/scribe.h).
 *
 * Blocks; not the hub thread.
 */
#pragma once

#include "base/crypto.h"
#include "component/settings/settings.h"

/* Reads it; with `make`, an absent one is made, readable by its owner only. The key is the caller's:
 * crypto_keys_free(). NOT_FOUND when it is absent, FORBIDDEN when everybody may read it. */
bool audit_key_open(const Settings *settings, bool make, Key **ret_seed, Failure *reterr_failure) _must_check_;
/* The public half as people and `aiox audit verify` write it, in base64; lives in the arena. */
Text audit_key_name(const Key *seed, Arena *arena);
/* Where signed ends are kept; lives in the arena. */
const char *audit_heads_path(const Settings *settings, Arena *arena);
