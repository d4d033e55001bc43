/* Addresses a request may reach, judged by the bytes of the socket address, so that no name and no second look-up can
 * get around it. IPv4 addresses inside IPv6 ones (mapped, NAT64) are judged as what they are. Any family but IPv4 and
 * IPv6 is neither loopback nor public.
 *
 * Any thread; never blocks.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

typedef struct Address {
        union {
                struct sockaddr any;
                struct sockaddr_storage storage;
        };
} Address;

/* From its text without port; false leaves the family unspecified. */
bool address_parse(const char *text, Address *ret_address);
bool address_is_loopback(const Address *address);
/* On the public internet: none of the special-purpose registries' blocks (RFC 6890). */
bool address_is_public(const Address *address);
