#include "orchestrator/http/address.h"
#include "tests/unit/unit.h"

#include <sys/un.h>

typedef struct Case {
        const char *address;
        bool public, loopback;
} Case;

static const Case cases[] = {
        { "127.0.0.1", false, true },
        { "127.255.255.255", false, true },
        { "128.0.0.0", true, false },
        { "126.255.255.255", true, false },
        { "0.0.0.0", false, false },
        { "0.255.0.1", false, false },
        { "1.1.1.1", true, false },
        { "9.255.255.255", true, false },
        { "10.0.0.0", false, false },
        { "10.255.255.255", false, false },
        { "11.0.0.0", true, false },
        { "100.63.255.255", true, false },
        { "100.64.0.0", false, false },
        { "100.127.255.255", false, false },
        { "100.128.0.0", true, false },
        { "169.253.255.255", true, false },
        { "169.254.169.254", false, false },
        { "169.255.0.0", true, false },
        { "172.15.255.255", true, false },
        { "172.16.0.0", false, false },
        { "172.31.255.255", false, false },
        { "172.32.0.0", true, false },
        { "192.0.0.8", false, false },
        { "192.0.1.0", true, false },
        { "192.0.2.255", false, false },
        { "192.88.99.1", false, false },
        { "192.167.255.255", true, false },
        { "192.168.0.0", false, false },
        { "192.169.0.0", true, false },
        { "198.17.255.255", true, false },
        { "198.18.0.0", false, false },
        { "198.19.255.255", false, false },
        { "198.20.0.0", true, false },
        { "198.51.100.7", false, false },
        { "203.0.113.7", false, false },
        { "223.255.255.255", true, false },
        { "224.0.0.1", false, false },
        { "239.255.255.255", false, false },
        { "240.0.0.0", false, false },
        { "255.255.255.255", false, false },
        { "::", false, false },
        { "::1", false, true },
        { "::2", false, false },
        { "::ffff:127.0.0.1", false, true },
        { "::ffff:10.1.2.3", false, false },
        { "::ffff:8.8.8.8", true, false },
        { "::127.0.0.1", false, false },
        { "64:ff9b::127.0.0.1", false, false },
        { "64:ff9b::10.0.0.1", false, false },
        { "64:ff9b::8.8.8.8", true, false },
        { "64:ff9b:1::8.8.8.8", false, false },
        { "100::1", false, false },
        { "2001::1", false, false },
        { "2001:1ff::1", false, false },
        { "2001:200::1", true, false },
        { "2001:db8::1", false, false },
        { "2001:db9::1", true, false },
        { "2002:7f00:1::", false, false },
        { "2606:4700::1111", true, false },
        { "3fff::1", false, false },
        { "3fff:1000::1", true, false },
        { "4000::1", false, false },
        { "fc00::1", false, false },
        { "fd12:3456::1", false, false },
        { "fe80::1", false, false },
        { "fec0::1", false, false },
        { "ff02::1", false, false },
};

START_TEST(each_block_is_what_its_registry_says) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Address address;
                ck_assert_msg(address_parse(cases[i].address, &address), "%s", cases[i].address);
                ck_assert_msg(address_is_public(&address) == cases[i].public, "%s public", cases[i].address);
                ck_assert_msg(address_is_loopback(&address) == cases[i].loopback, "%s loopback", cases[i].address);
        }
}
END_TEST

START_TEST(what_is_no_address_is_neither) {
        static const char *const texts[] = { "", "localhost", "127.1", "::1%lo", "1.2.3.4.5", "/tmp/socket" };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                Address address;
                ck_assert(!address_parse(texts[i], &address));
                ck_assert(!address_is_public(&address) && !address_is_loopback(&address));
        }
        const Address local = { .any.sa_family = AF_UNIX };
        ck_assert(!address_is_public(&local) && !address_is_loopback(&local));
}
END_TEST

UNIT_TESTS("http/address", each_block_is_what_its_registry_says, what_is_no_address_is_neither)
