#include "store/audit.h"

#include "base/map.h"

#include <endian.h>

Hash audit_hash(const Hash *previous, const AuditEntry *entry) {
        uint64_t position = htobe64((uint64_t) entry->position), at_us = htobe64((uint64_t) entry->at_us);
        const Text parts[] = {
                TEXT("aiox audit 1"),
                MAP_KEY(*previous),
                MAP_KEY(entry->tenant_id),
                MAP_KEY(entry->message_id),
                MAP_KEY(entry->agent_id),
                MAP_KEY(entry->person_id),
                entry->hub,
                MAP_KEY(position),
                MAP_KEY(at_us),
                entry->type,
                entry->severity,
                entry->facts,
        };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}
