#include "component/doors/rest.h"

#include "base/clock.h"
#include "base/log.h"
#include "component/doors/route.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CONNECTIONS      256
#define PATIENCE_SECONDS 30
#define CONNECTION_BYTES (32 * 1024)
#define DISCARD_LIMIT    (16 * 1024 * 1024) /* what is read of a body that is too large, so that its answer is heard */
#define KEY_LIMIT        255
#define TENANT_HEADER    "AIOX-Tenant"

struct Rest {
        struct MHD_Daemon *daemon;
        Desk *desk;
        int descriptor;
        char *path;
};

/* One request: lives from its first header until its answer is sent. */
typedef struct RestCall {
        DeskCall call; /* first: the desk hands it back */
        Arena *arena;
        struct MHD_Connection *connection;
        TextBuilder body;
        size_t body_size;
        Text allowed; /* for 405 */
        char principal[32];
        char request_id[UUID_STRING_SIZE];
        bool started;
} RestCall;

static int http_status(const RestCall *call) {
        if (call->allowed.length > 0)
                return MHD_HTTP_METHOD_NOT_ALLOWED;
        return failure_form(call->call.failure.kind)->http_status;
}

static enum MHD_Result send_answer(RestCall *call) {
        bool failed = call->call.failure.kind != FAILURE_NONE;
        int status = http_status(call);
        Json *json = failed ? route_problem(&call->call.failure, status) : call->call.result;
        _cleanup_(arena_freep) Arena *arena = arena_new(64 * 1024 * 1024);
        Text text = TEXT_NONE;
        if (json && !json_canonical(json, arena, &text))
                status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        if (failed)
                json_free(json);
        struct MHD_Response *response = MHD_create_response_from_buffer(text.length, (void *) (uintptr_t) text.bytes,
                                                                        MHD_RESPMEM_MUST_COPY);
        if (!response)
                return MHD_NO;
        MHD_add_response_header(response, "Content-Type", failed ? "application/problem+json" : "application/json");
        MHD_add_response_header(response, "Cache-Control", "no-store");
        MHD_add_response_header(response, "X-Request-Id", call->request_id);
        if (call->allowed.length > 0)
                MHD_add_response_header(response, "Allow", call->allowed.bytes);
        if (failed && strcmp(failure_form(call->call.failure.kind)->xmpp_type, "wait") == 0)
                MHD_add_response_header(response, "Retry-After", "1");
        enum MHD_Result result = MHD_queue_response(call->connection, (unsigned) status, response);
        MHD_destroy_response(response);
        return result;
}

static void resume(DeskCall *call) {
        MHD_resume_connection(((RestCall *) call)->connection);
}

/* Root and the hub's own user administer the installation; nobody else has an identity on this socket. */
static bool identify(RestCall *call) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(call->connection,
                                                                       MHD_CONNECTION_INFO_CONNECTION_FD);
        struct ucred peer;
        socklen_t length = sizeof(peer);
        if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return failure_set(&call->call.failure, FAILURE_UNAUTHENTICATED, "cannot tell who is connecting");
        if (peer.uid != 0 && peer.uid != geteuid())
                return failure_set(&call->call.failure, FAILURE_FORBIDDEN,
                                   "this socket is for root and the hub's own user");
        snprintf(call->principal, sizeof(call->principal), "uid:%u", (unsigned) peer.uid);
        call->call.caller.principal = text_of(call->principal);
        call->call.caller.platform = true;
        return true;
}

static const char *header(RestCall *call, const char *name) {
        return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

static bool read_headers(RestCall *call) {
        Text key = text_of(header(call, "Idempotency-Key")), tenant = text_of(header(call, TENANT_HEADER));
        if (key.length > KEY_LIMIT || !text_is_utf8(key))
                return failure_set(&call->call.failure, FAILURE_INVALID, "Idempotency-Key is longer than 255 bytes");
        call->call.caller.request_key = text_copy(call->arena, key);
        call->call.caller.tenant = text_copy(call->arena, tenant);
        call->call.caller.door = "rest";
        call->call.caller.metered = true;
        const char *type = header(call, "Content-Type");
        if (call->body_size > 0 && type && strncasecmp(type, "application/json", strlen("application/json")) != 0)
                return failure_set(&call->call.failure, FAILURE_INVALID, "Content-Type must be application/json");
        return true;
}

static enum MHD_Result add_argument(void *argument, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                    const char *value, size_t value_size) {
        (void) kind;
        RestCall *call = argument;
        Text text = { value, value ? value_size : 0 };
        bool done;
        if (strlen(name) != name_size)
                done = failure_set(&call->call.failure, FAILURE_INVALID, "the query holds a NUL");
        else if (strcmp(name, "tenant") == 0 && call->call.caller.tenant.length == 0) {
                call->call.caller.tenant = text_copy(call->arena, text);
                done = true;
        } else
                done = route_add_query(name, text, call->call.input, &call->call.failure);
        return done ? MHD_YES : MHD_NO;
}

/* Everything that needs no database; false when the answer is known already. */
static bool prepare(RestCall *call, const char *path, const char *method) {
        Failure *failure = &call->call.failure;
        if (!identify(call))
                return false;
        if (call->body_size > ROUTE_BODY_LIMIT)
                return failure_set(failure, FAILURE_TOO_LARGE, "the body is larger than 1 MiB");
        call->call.input = json_new_object();
        if (!route_find(method, text_of(path), call->arena, call->call.input, &call->call.operation, &call->allowed,
                        failure) ||
            !read_headers(call))
                return false;
        MHD_get_connection_values_n(call->connection, MHD_GET_ARGUMENT_KIND, add_argument, call);
        if (failure->kind != FAILURE_NONE)
                return false;
        return route_add_body(text_built(&call->body), call->call.input, failure);
}

static RestCall *call_new(struct MHD_Connection *connection) {
        RestCall *call = memory_new(sizeof(*call));
        static _Thread_local UuidGenerator generator;
        call->arena = arena_new(0);
        call->connection = connection;
        call->body = text_builder(ROUTE_BODY_LIMIT);
        call->call.done = resume;
        uuid_format(uuid_make(&generator, clock_now().wall_us), call->request_id);
        return call;
}

static enum MHD_Result take_body(RestCall *call, const char *data, size_t *size) {
        call->body_size += *size;
        if (call->body_size <= ROUTE_BODY_LIMIT)
                text_add(&call->body, (Text){ data, *size });
        *size = 0;
        return call->body_size <= DISCARD_LIMIT ? MHD_YES : MHD_NO;
}

/* Called for the headers, for each piece of the body, at the body's end, and once more when the desk is done. */
static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **request) {
        (void) version;
        Rest *rest = argument;
        RestCall *call = *request;
        if (!call) {
                *request = call_new(connection);
                return MHD_YES;
        }
        if (*size > 0)
                return take_body(call, data, size);
        if (call->started)
                return send_answer(call);
        call->started = true;
        if (!prepare(call, path, method))
                return send_answer(call);
        MHD_suspend_connection(connection);
        if (!desk_submit(rest->desk, &call->call)) {
                failure_set(&call->call.failure, FAILURE_LIMIT, "too many requests are waiting; try again in a moment");
                MHD_resume_connection(connection);
        }
        return MHD_YES;
}

static void forget(void *argument, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode reason) {
        (void) argument, (void) connection, (void) reason;
        RestCall *call = *request;
        if (!call)
                return;
        json_free(call->call.input);
        json_free(call->call.result);
        text_builder_release(&call->body);
        arena_free(call->arena);
        free(call);
        *request = NULL;
}

/* A socket file that nobody listens on is left over from a hub that was killed. */
static bool remove_left_over(int descriptor, const struct sockaddr_un *address, Failure *reterr_failure) {
        if (connect(descriptor, (const struct sockaddr *) address, sizeof(*address)) == 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT, "another hub listens on %s", address->sun_path);
        struct stat status;
        if (lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
                unlink(address->sun_path);
        return true;
}

static bool listen_on(const char *path, int *ret_descriptor, Failure *reterr_failure) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof(address.sun_path))
                return failure_set(reterr_failure, FAILURE_INVALID, "api_socket: %s is longer than %zu bytes", path,
                                   sizeof(address.sun_path) - 1);
        memcpy(address.sun_path, path, strlen(path) + 1);
        _cleanup_(close_fdp) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (probe >= 0 && !remove_left_over(probe, &address, reterr_failure))
                return false;
        _cleanup_(close_fdp) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* The mode must be right from the first moment, so it is set before the name exists. */
        if (descriptor < 0 || fchmod(descriptor, 0600) < 0 ||
            bind(descriptor, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(descriptor, 64) < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "api_socket: cannot listen on %s: %s", path,
                                   strerror(errno));
        *ret_descriptor = descriptor;
        descriptor = -1;
        return true;
}

bool rest_start(const char *socket_path, Desk *desk, Rest **ret_rest, Failure *reterr_failure) {
        int descriptor;
        if (!listen_on(socket_path, &descriptor, reterr_failure))
                return false;
        Rest *rest = memory_new(sizeof(*rest));
        rest->desk = desk;
        rest->descriptor = descriptor;
        rest->path = memory_string(socket_path);
        rest->daemon = MHD_start_daemon(
                MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, handle, rest,
                MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS,
                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) PATIENCE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                (size_t) CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
        if (!rest->daemon) {
                close(descriptor);
                free(rest->path);
                free(rest);
                return failure_set(reterr_failure, FAILURE_INTERNAL, "cannot start the HTTP thread");
        }
        log_info("REST door open", "socket", LOG_STRING, socket_path);
        *ret_rest = rest;
        return true;
}

void rest_close(Rest *rest) {
        if (!rest)
                return;
        unlink(rest->path);
        MHD_quiesce_daemon(rest->daemon);
}

void rest_stop(Rest *rest) {
        if (!rest)
                return;
        MHD_stop_daemon(rest->daemon);
        close(rest->descriptor);
        free(rest->path);
        free(rest);
}
