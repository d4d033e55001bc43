#include "orchestrator/http/address.h"

#include "base/defer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

typedef struct Block {
        uint8_t bytes[16];
        unsigned bits;
} Block;

static const Block private_ipv4[] = {
        { { 0 }, 8 },             /* this network */
        { { 10 }, 8 },            /* private */
        { { 100, 64 }, 10 },      /* shared by carriers */
        { { 127 }, 8 },           /* loopback */
        { { 169, 254 }, 16 },     /* link-local, and the metadata of cloud machines */
        { { 172, 16 }, 12 },      /* private */
        { { 192, 0, 0 }, 24 },    /* protocol assignments */
        { { 192, 0, 2 }, 24 },    /* documentation */
        { { 192, 88, 99 }, 24 },  /* 6to4 relays */
        { { 192, 168 }, 16 },     /* private */
        { { 198, 18 }, 15 },      /* benchmarks */
        { { 198, 51, 100 }, 24 }, /* documentation */
        { { 203, 0, 113 }, 24 },  /* documentation */
        { { 224 }, 4 },           /* multicast */
        { { 240 }, 4 },           /* reserved, broadcast */
};

static const Block global_ipv6 = { { 0x20 }, 3 };

static const Block private_ipv6[] = {
        { { 0x20, 0x01 }, 23 },             /* protocol assignments, Teredo */
        { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
        { { 0x20, 0x02 }, 16 },             /* 6to4 */
        { { 0x3f, 0xff }, 20 },             /* documentation */
};

static const Block mapped_ipv4 = { { [10] = 0xff, [11] = 0xff }, 96 };
static const Block nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };
static const Block loopback_ipv4 = { { 127 }, 8 };
static const Block loopback_ipv6 = { { [15] = 1 }, 128 };

static bool block_holds(const Block *block, const uint8_t *bytes) {
        const unsigned whole = block->bits / 8, rest = block->bits % 8;

        if (memcmp(block->bytes, bytes, whole) != 0)
                return false;
        return rest == 0 || ((block->bytes[whole] ^ bytes[whole]) >> (8 - rest)) == 0;
}

static bool any_holds(const Block *blocks, size_t count, const uint8_t *bytes) {
        for (size_t i = 0; i < count; i++)
                if (block_holds(&blocks[i], bytes))
                        return true;
        return false;
}

typedef enum Family { FAMILY_OTHER, FAMILY_IPV4, FAMILY_IPV4_BEHIND_NAT64, FAMILY_IPV6 } Family;

static Family unwrap(const Address *address, uint8_t ret_bytes[static 16]) {
        if (address->any.sa_family == AF_INET) {
                memcpy(ret_bytes, &((const struct sockaddr_in *) &address->storage)->sin_addr, 4);
                return FAMILY_IPV4;
        }
        if (address->any.sa_family != AF_INET6)
                return FAMILY_OTHER;
        memcpy(ret_bytes, &((const struct sockaddr_in6 *) &address->storage)->sin6_addr, 16);
        const bool mapped = block_holds(&mapped_ipv4, ret_bytes);
        if (!mapped && !block_holds(&nat64, ret_bytes))
                return FAMILY_IPV6;
        memmove(ret_bytes, ret_bytes + 12, 4);
        return mapped ? FAMILY_IPV4 : FAMILY_IPV4_BEHIND_NAT64;
}

bool address_parse(const char *text, Address *ret_address) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *) &ret_address->storage;
        struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *) &ret_address->storage;

        memset(ret_address, 0, sizeof(*ret_address));
        if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1)
                ret_address->any.sa_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1)
                ret_address->any.sa_family = AF_INET6;
        return ret_address->any.sa_family != AF_UNSPEC;
}

/* An address behind NAT64 is another machine's, whatever it says. */
bool address_is_loopback(const Address *address) {
        uint8_t bytes[16];
        const Family family = unwrap(address, bytes);

        return (family == FAMILY_IPV4 && block_holds(&loopback_ipv4, bytes)) ||
               (family == FAMILY_IPV6 && block_holds(&loopback_ipv6, bytes));
}

bool address_is_public(const Address *address) {
        uint8_t bytes[16];
        const Family family = unwrap(address, bytes);

        if (family == FAMILY_IPV4 || family == FAMILY_IPV4_BEHIND_NAT64)
                return !any_holds(private_ipv4, COUNT_OF(private_ipv4), bytes);
        return family == FAMILY_IPV6 && block_holds(&global_ipv6, bytes) &&
               !any_holds(private_ipv6, COUNT_OF(private_ipv6), bytes);
}
