#include "component/resolve.h"

#include "base/thread.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#define UNIX_SCHEME "unix:"

/* Shared by the thread that asked and the one that looks up: the last one to let go frees it. */
struct Resolution {
        atomic_int holders;
        atomic_bool done;
        int descriptor;
        char *host, *port;
        Address addresses[RESOLUTION_ADDRESSES];
        size_t count;
        int error; /* of getaddrinfo() */
};

static void let_go(Resolution *resolution) {
        if (atomic_fetch_sub(&resolution->holders, 1) > 1)
                return;
        close(resolution->descriptor);
        free(resolution->host);
        free(resolution->port);
        free(resolution);
}

static void look_up(Resolution *resolution, int flags) {
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags };
        struct addrinfo *found = NULL;
        resolution->error = getaddrinfo(resolution->host, resolution->port, &hints, &found);
        if (resolution->error != 0)
                return;
        for (const struct addrinfo *one = found; one && resolution->count < RESOLUTION_ADDRESSES; one = one->ai_next) {
                Address *address = &resolution->addresses[resolution->count++];
                memcpy(&address->storage, one->ai_addr, one->ai_addrlen);
                address->length = one->ai_addrlen;
        }
        freeaddrinfo(found);
}

static void tell(Resolution *resolution) {
        atomic_store(&resolution->done, true);
        eventfd_write(resolution->descriptor, 1);
}

static void *look_up_main(void *argument) {
        Resolution *resolution = argument;
        look_up(resolution, AI_ADDRCONFIG | AI_NUMERICSERV);
        tell(resolution);
        let_go(resolution);
        return NULL;
}

static bool start_thread(Resolution *resolution, Failure *reterr_failure) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        atomic_fetch_add(&resolution->holders, 1);
        int error = thread_start(&thread, &attributes, look_up_main, resolution);
        pthread_attr_destroy(&attributes);
        if (error == 0)
                return true;
        atomic_fetch_sub(&resolution->holders, 1);
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "no thread to look up '%s': %s", resolution->host,
                           strerror(error));
}

/* "host:port" or "[address]:port". */
static bool split_endpoint(Text endpoint, Text *ret_host, Text *ret_port, Failure *reterr_failure) {
        const char *colon = endpoint.bytes ? memrchr(endpoint.bytes, ':', endpoint.length) : NULL;
        size_t length = colon ? (size_t) (colon - endpoint.bytes) : 0;
        int64_t number;
        if (length > 0) {
                *ret_host = (Text){ endpoint.bytes, length };
                *ret_port = (Text){ colon + 1, endpoint.length - length - 1 };
                if (length > 2 && endpoint.bytes[0] == '[' && endpoint.bytes[length - 1] == ']')
                        *ret_host = (Text){ endpoint.bytes + 1, length - 2 };
                if (text_to_int64(*ret_port, &number) && number > 0 && number < 65536)
                        return true;
        }
        return failure_set(reterr_failure, FAILURE_INVALID,
                           "'%.*s' is not an endpoint: write host:port, [address]:port or unix:/path",
                           TEXT_ARGUMENTS(text_prefix(endpoint, 100)));
}

static bool is_path(Text endpoint) {
        return text_starts_with(endpoint, TEXT(UNIX_SCHEME));
}

static bool take_path(Text endpoint, struct sockaddr_un *ret_address, Failure *reterr_failure) {
        Text path = { endpoint.bytes + strlen(UNIX_SCHEME), endpoint.length - strlen(UNIX_SCHEME) };
        if (path.length == 0 || path.length >= sizeof(ret_address->sun_path))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "the path of a Unix socket must have 1 to %zu bytes, not %zu",
                                   sizeof(ret_address->sun_path) - 1, path.length);
        *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        memcpy(ret_address->sun_path, path.bytes, path.length);
        return true;
}

bool resolution_check(Text endpoint, Failure *reterr_failure) {
        Text host, port;
        struct sockaddr_un address;
        return is_path(endpoint) ? take_path(endpoint, &address, reterr_failure)
                                 : split_endpoint(endpoint, &host, &port, reterr_failure);
}

static bool find_addresses(Resolution *resolution, Text endpoint, Failure *reterr_failure) {
        Text host, port;
        if (is_path(endpoint)) {
                if (!take_path(endpoint, (struct sockaddr_un *) &resolution->addresses[0].storage, reterr_failure))
                        return false;
                resolution->addresses[0].length = sizeof(struct sockaddr_un);
                resolution->count = 1;
        } else {
                if (!split_endpoint(endpoint, &host, &port, reterr_failure))
                        return false;
                resolution->host = text_keep(host);
                resolution->port = text_keep(port);
                look_up(resolution, AI_NUMERICHOST | AI_NUMERICSERV);
                if (resolution->error != 0)
                        return start_thread(resolution, reterr_failure);
        }
        tell(resolution);
        return true;
}

bool resolution_start(Text endpoint, Resolution **ret_resolution, Failure *reterr_failure) {
        Resolution *resolution = memory_new(sizeof(Resolution));
        atomic_init(&resolution->holders, 1);
        resolution->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (resolution->descriptor < 0) {
                free(resolution);
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "no file descriptor left: %s", strerror(errno));
        }
        if (!find_addresses(resolution, endpoint, reterr_failure)) {
                let_go(resolution);
                return false;
        }
        *ret_resolution = resolution;
        return true;
}

int resolution_descriptor(const Resolution *resolution) {
        return resolution->descriptor;
}

bool resolution_result(Resolution *resolution, Address ret_addresses[static RESOLUTION_ADDRESSES], size_t *ret_count,
                       Failure *reterr_failure) {
        if (!atomic_load(&resolution->done))
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "'%s' is still being looked up",
                                   resolution->host);
        if (resolution->error != 0)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the name '%s' cannot be resolved: %s",
                                   resolution->host, gai_strerror(resolution->error));
        memcpy(ret_addresses, resolution->addresses, sizeof(resolution->addresses));
        *ret_count = resolution->count;
        return true;
}

void resolution_free(Resolution *resolution) {
        let_go(resolution);
}
