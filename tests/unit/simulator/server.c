/* The XMPP servers: one stream a domain and process, in order both ways; what is on its way when a stream breaks is
 * lost. A server that dies takes the answers with it that it took in its last half minute. */
#include "tests/unit/simulator/simulation.h"

#define LOST_WITH_SERVER (30 * SECONDS)

const char *const domain_names[DOMAINS] = { "agents.localhost", "b.localhost" };

typedef struct Taken {
        struct Taken *next;
        const Process *from;
        Life *life;
        int64_t at_us;
} Taken;

/* A stanza of ours on its way to the server. */
typedef struct Outgoing {
        Connection *connection;
        CommandKind kind;
        Life *life;
        uint64_t ticket;
} Outgoing;

int domain_index(Text jid) {
        Text rest = jid, local;
        Text domain = text_split(&rest, '@', &local) && rest.length ? rest : jid;

        for (int i = 0; i < DOMAINS; i++)
                if (text_equal(domain, text_of(domain_names[i])))
                        return i;
        return -1;
}

static void connect_now(void *about, uint64_t number) {
        Process *process = about;
        int domain = (int) number;
        Simulation *simulation = process->simulation;
        Server *server = &simulation->servers[process->hub->server];

        if (!process->alive || !process->links_open || process->connections[domain] || process->downs[domain] > 0)
                return;
        if (!server->up || process->frozen) {
                agenda_add(&simulation->agenda,
                           now_us(simulation) + random_between(&simulation->network, SECONDS, 5 * SECONDS), connect_now,
                           process, number);
                return;
        }
        Connection *connection = run_take(simulation, sizeof(*connection));
        *connection = (Connection){
                .next = server->connections, .server = server, .process = process, .domain = domain, .up = true
        };
        server->connections = connection;
        process->connections[domain] = connection;
        trace(simulation, "link up", process->number, number);
        Event event = { EVENT_LINK_UP, .link = { .domain = text_of(domain_names[domain]) } };
        process_post(process, random_delay(&simulation->network, MILLISECONDS), &event, connection);
}

void server_connect(Process *process, int domain) {
        Simulation *simulation = process->simulation;

        agenda_add(&simulation->agenda, now_us(simulation) + random_delay(&simulation->network, 50 * MILLISECONDS),
                   connect_now, process, (uint64_t) domain);
}

void connection_break(Connection *connection, bool closed_by_us, bool flushes) {
        Process *process = connection->process;
        Simulation *simulation = process->simulation;

        for (Connection **each = &connection->server->connections; *each; each = &(*each)->next)
                if (*each == connection) {
                        *each = connection->next;
                        break;
                }
        connection->up = false;
        connection->flushes = flushes;
        process->connections[connection->domain] = NULL;
        simulation->result->breaks++;
        trace(simulation, "link down", process->number, (uint64_t) connection->domain);
        Event event = { EVENT_LINK_DOWN,
                        .link = { .domain = text_of(domain_names[connection->domain]), .closed_by_us = closed_by_us } };
        if (!process->alive)
                return;
        process->downs[connection->domain]++;
        process_post(process, random_delay(&simulation->network, MILLISECONDS), &event, NULL);
}

static void stall_ends(void *about, uint64_t number) {
        Connection *connection = about;

        (void) number;
        if (connection->up)
                connection_break(connection, false, false);
}

void connection_stall(Connection *connection, int64_t duration) {
        Simulation *simulation = connection->process->simulation;

        connection->stalls = true;
        trace(simulation, "link stalls", connection->process->number, (uint64_t) duration);
        agenda_add(&simulation->agenda, now_us(simulation) + duration, stall_ends, connection, 0);
}

static int64_t in_order(int64_t *last_us, Simulation *simulation) {
        int64_t at_us = now_us(simulation) + random_delay(&simulation->network, MILLISECONDS / 2);

        *last_us = at_us > *last_us ? at_us : *last_us + 1;
        return *last_us;
}

static void post_in(Connection *connection, const Event *event) {
        Simulation *simulation = connection->process->simulation;

        process_post(connection->process, in_order(&connection->in_us, simulation) - now_us(simulation), event,
                     connection);
}

static void answer_arrived(Connection *connection, Life *life) {
        Simulation *simulation = connection->process->simulation;
        Server *server = connection->server;
        bool bounces = simulation->chaos && random_chance(&simulation->network, simulation->plan.bounces);

        if (bounces) {
                bool retry = random_chance(&simulation->network, 0.7);
                check_bounced(simulation, life, retry);
                Event event = { EVENT_BOUNCED, .answer = { life->stored->accepted.id, retry } };
                if (connection->up)
                        post_in(connection, &event);
                return;
        }
        Taken *taken = run_take(simulation, sizeof(*taken));
        *taken = (Taken){ server->taken, connection->process, life, now_us(simulation) };
        server->taken = taken;
        check_taken(simulation, life);
        if (connection->up && random_chance(&simulation->network, 0.2)) {
                Event event = { EVENT_RECEIVED, .answer = { .message_id = life->stored->accepted.id } };
                life->received = true;
                post_in(connection, &event);
        }
}

static void outgoing_arrived(void *about, uint64_t number) {
        const Outgoing *outgoing = about;
        Connection *connection = outgoing->connection;

        (void) number;
        if ((!connection->up && !connection->flushes) || connection->stalls || !connection->server->up)
                return;
        if (outgoing->kind == COMMAND_ANSWER)
                answer_arrived(connection, outgoing->life);
        else if (outgoing->kind == COMMAND_PING && connection->up)
                post_in(connection, &(Event){ EVENT_PONG, .link = { .domain = text_of(domain_names[connection->domain]),
                                                                    .ticket = outgoing->ticket } });
        else if (outgoing->kind == COMMAND_ACCEPTED && outgoing->life)
                outgoing->life->receipts++;
}

void connection_send(Connection *connection, const Command *command) {
        Simulation *simulation = connection->process->simulation;
        Outgoing *outgoing = run_take(simulation, sizeof(*outgoing));

        *outgoing = (Outgoing){ connection, command->kind, NULL, 0 };
        if (command->kind == COMMAND_ANSWER)
                outgoing->life = life_of(simulation, command->answer.message_id);
        else if (command->kind == COMMAND_ACCEPTED)
                outgoing->life = life_of(simulation, command->arrival.message_id);
        else if (command->kind == COMMAND_PING)
                outgoing->ticket = command->ping.ticket;
        if (command->kind == COMMAND_ANSWER && !outgoing->life)
                return;
        agenda_add(&simulation->agenda, in_order(&connection->out_us, simulation), outgoing_arrived, outgoing, 0);
}

static void server_return(void *about, uint64_t number) {
        Server *server = about;

        (void) number;
        server->up = true;
}

void server_die(Server *server, int64_t down_us) {
        Simulation *simulation = server->simulation;

        if (!server->up)
                return;
        trace(simulation, "server dies", server->index, (uint64_t) down_us);
        server->up = false;
        for (Taken *taken = server->taken; taken; taken = taken->next)
                if (taken->at_us >= now_us(simulation) - LOST_WITH_SERVER && random_chance(&simulation->network, 0.7))
                        check_lost(simulation, taken->life, taken->from);
        server->taken = NULL;
        while (server->connections)
                connection_break(server->connections, false, false);
        agenda_add(&simulation->agenda, now_us(simulation) + down_us, server_return, server, 0);
}

static Connection *connection_for(Server *server, int domain) {
        Connection *found = NULL;
        uint64_t count = 0;

        /* With two, as when a twin is there, the server picks either. */
        for (Connection *each = server->connections; each; each = each->next)
                if (each->domain == domain && random_below(&server->simulation->network, ++count) == 0)
                        found = each;
        return found;
}

bool server_carry(Server *server, int domain, Writing *writing) {
        Simulation *simulation = server->simulation;
        Connection *connection = server->up ? connection_for(server, domain) : NULL;

        /* The nodes of a cluster know each other's components. */
        for (int i = 0; i < simulation->plan.hubs && simulation->plan.cluster && server->up && !connection; i++)
                if (simulation->servers[i].up)
                        connection = connection_for(&simulation->servers[i], domain);
        if (!connection)
                return false;
        if (connection->stalls)
                return true; /* as the server believes */
        Event event = { EVENT_MESSAGE, .arrival = writing_arrival(simulation, writing) };
        writing->process = connection->process;
        post_in(connection, &event);
        return true;
}
