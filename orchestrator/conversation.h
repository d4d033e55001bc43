/* Conversations: which of those between one person and one agent a message belongs to. Threads of a chat (XEP-0201) are
 * told apart by a number of 24 bits, so that memory can be looked up by it; two threads of one person that fall
 * together share what is remembered.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/crypto.h"

#define CONVERSATION_ALL (-1)

static inline int32_t conversation_of(Text thread) {
        Hash hash = thread.length ? crypto_sha256(thread) : (Hash){ 0 };

        return (int32_t) ((uint32_t) hash.bytes[0] << 16 | (uint32_t) hash.bytes[1] << 8 | hash.bytes[2]);
}
