#include "component/dial.h"

#include "component/resolve.h"
#include "component/stream_error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>

struct Dial {
        char *endpoint;
        int poll;
        Resolution *resolution; /* NULL once the addresses are known */
        Address addresses[RESOLUTION_ADDRESSES];
        size_t count, next;
        int socket; /* being connected, or -1 */
        int error;  /* why the last address failed */
};

static void watch(const Dial *dial, int descriptor, uint32_t interest) {
        struct epoll_event event = { .events = interest };
        epoll_ctl(dial->poll, EPOLL_CTL_ADD, descriptor, &event);
}

bool dial_start(Text endpoint, Dial **ret_dial, Failure *reterr_failure) {
        _cleanup_(resolution_freep) Resolution *resolution = NULL;
        if (!resolution_start(endpoint, &resolution, reterr_failure))
                return false;
        int poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
        if (poll_descriptor < 0)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "no file descriptor left: %s", strerror(errno));
        Dial *dial = memory_new(sizeof(Dial));
        *dial = (Dial){
                .endpoint = text_keep(endpoint), .poll = poll_descriptor, .socket = -1, .resolution = resolution
        };
        watch(dial, resolution_descriptor(resolution), EPOLLIN);
        resolution = NULL;
        *ret_dial = dial;
        return true;
}

int dial_descriptor(const Dial *dial) {
        return dial->poll;
}

const char *dial_waits_for(const Dial *dial) {
        return dial->resolution ? "the name is still being looked up, longer than we wait"
                                : "no connection within the time we wait: is there a firewall between us?";
}

static bool is_ready(int descriptor, short events) {
        struct pollfd waiting = { .fd = descriptor, .events = events };
        return poll(&waiting, 1, 0) == 1;
}

static void drop_socket(Dial *dial) {
        if (dial->socket >= 0)
                close(dial->socket); /* epoll forgets it */
        dial->socket = -1;
}

/* Begins with the next address that can be begun with; false when there is none left. */
static bool connect_next(Dial *dial) {
        while (dial->next < dial->count) {
                const Address *address = &dial->addresses[dial->next++];
                int family = address->storage.ss_family;
                dial->socket = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                if (dial->socket >= 0 && family != AF_UNIX)
                        setsockopt(dial->socket, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
                if (dial->socket >= 0 &&
                    (connect(dial->socket, (const struct sockaddr *) &address->storage, address->length) == 0 ||
                     errno == EINPROGRESS)) {
                        watch(dial, dial->socket, EPOLLOUT);
                        return true;
                }
                dial->error = errno;
                drop_socket(dial);
        }
        return false;
}

/* Whether the addresses are known and one of them is being connected to. */
static DialResult resolve(Dial *dial, Failure *reterr_failure) {
        if (!is_ready(resolution_descriptor(dial->resolution), POLLIN))
                return DIAL_GOING_ON;
        bool resolved = resolution_result(dial->resolution, dial->addresses, &dial->count, reterr_failure);
        epoll_ctl(dial->poll, EPOLL_CTL_DEL, resolution_descriptor(dial->resolution), NULL);
        resolution_free(dial->resolution);
        dial->resolution = NULL;
        if (resolved)
                return DIAL_CONNECTED;
        failure_prefix(reterr_failure, "%s", dial->endpoint);
        return DIAL_FAILED;
}

DialResult dial_result(Dial *dial, int *ret_socket, Failure *reterr_failure) {
        if (dial->resolution) {
                DialResult resolved = resolve(dial, reterr_failure);
                if (resolved != DIAL_CONNECTED)
                        return resolved;
        }
        while (dial->socket >= 0 || connect_next(dial)) {
                socklen_t length = sizeof(dial->error);
                if (!is_ready(dial->socket, POLLOUT))
                        return DIAL_GOING_ON;
                getsockopt(dial->socket, SOL_SOCKET, SO_ERROR, &dial->error, &length);
                if (dial->error == 0) {
                        epoll_ctl(dial->poll, EPOLL_CTL_DEL, dial->socket, NULL);
                        *ret_socket = dial->socket;
                        dial->socket = -1;
                        return DIAL_CONNECTED;
                }
                drop_socket(dial);
        }
        stream_error_unconnected(dial->error, text_of(dial->endpoint), reterr_failure);
        return DIAL_FAILED;
}

void dial_free(Dial *dial) {
        drop_socket(dial);
        if (dial->resolution)
                resolution_free(dial->resolution);
        close(dial->poll);
        free(dial->endpoint);
        free(dial);
}
