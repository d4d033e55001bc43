/* The REST door: HTTP on a Unix socket, for the terminal and for programs on this machine. Routes below /api/v1 are
 * derived from the operations' rows; errors are problem+json (RFC 9457). Who connects is known by the peer's uid: root
 * and the hub's own uid are platform admins, everybody else is refused. Not a place where anything is decided.
 *
 * One thread of its own (libmicrohttpd with epoll), which never runs an operation: those go to the desk and the
 * connection is suspended meanwhile. rest_start() and rest_stop() belong to the main thread; stop the desk between
 * rest_close() and rest_stop(), so that nothing is suspended any more.
 */
#pragma once

#include "component/desk.h"

typedef struct Rest Rest;

/* Makes the socket (mode 0600), in place of one that nobody listens on. FAILURE_CONFLICT when somebody does. */
bool rest_start(const char *socket_path, Desk *desk, Rest **ret_rest, Failure *reterr_failure) _must_check_;
/* Takes no new connections and removes the socket. */
void rest_close(Rest *rest);
void rest_stop(Rest *rest);
