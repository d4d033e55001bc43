#include "component/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/un.h>

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
        sigset_t all, before;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        atomic_fetch_add(&resolution->holders, 1);
        int error = pthread_create(&thread, &attributes, look_up_main, resolution);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        if (error == 0)
                return true;
        atomic_fetch_sub(&resolution->holders, 1);
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "no thread to look up '%s': %s", resolution->host,
                           strerror(error));
}

static bool set_path(Resolution *resolution, Text path, Failure *reterr_failure) {
        struct sockaddr_un *address = (struct sockaddr_un *) &resolution->addresses[0].storage;
        if (path.length == 0 || path.length >= sizeof(address->sun_path))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "the path of a Unix socket must have 1 to %zu bytes, not %zu",
                                   sizeof(address->sun_path) - 1, path.length);
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, path.bytes, path.length);
        resolution->addresses[0].length = sizeof(*address);
        resolution->count = 1;
        tell(resolution);
        return true;
}

/* "host:port" or "[address]:port". */
static bool split_endpoint(Text endpoint, Text *ret_host, Text *ret_port) {
        const char *colon = endpoint.length > 0 ? memrchr(endpoint.bytes, ':', endpoint.length) : NULL;
        if (!colon)
                return false;
        Text host = { endpoint.bytes, (size_t) (colon - endpoint.bytes) };
        Text port = { colon + 1, endpoint.length - host.length - 1 };
        if (host.length > 2 && host.bytes[0] == '[' && host.bytes[host.length - 1] == ']')
                host = (Text){ host.bytes + 1, host.length - 2 };
        int64_t number;
        *ret_host = host;
        *ret_port = port;
        return host.length > 0 && text_to_int64(port, &number) && number > 0 && number < 65536;
}

static char *copy_string(Text text) {
        char *copy = memory_new(text.length + 1);
        memcpy(copy, text.bytes, text.length);
        return copy;
}

static bool find_addresses(Resolution *resolution, Text endpoint, Failure *reterr_failure) {
        Text host, port, unix_scheme = TEXT("unix:");
        if (text_starts_with(endpoint, unix_scheme))
                return set_path(resolution,
                                (Text){ endpoint.bytes + unix_scheme.length, endpoint.length - unix_scheme.length },
                                reterr_failure);
        if (!split_endpoint(endpoint, &host, &port))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "'%.*s' is not an endpoint: write host:port, [address]:port or unix:/path",
                                   TEXT_ARGUMENTS(text_prefix(endpoint, 100)));
        resolution->host = copy_string(host);
        resolution->port = copy_string(port);
        look_up(resolution, AI_NUMERICHOST | AI_NUMERICSERV);
        if (resolution->error != 0)
                return start_thread(resolution, reterr_failure);
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
