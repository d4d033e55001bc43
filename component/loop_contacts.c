/* Presence and iq: the door answers from what the asker may see, and nothing else. */
#include "component/doors/command.h"
#include "component/doors/contact.h"
#include "component/loop.h"

/* The agents that the hub lists for somebody. */
typedef struct Listing {
        Directory *directory;
        Sender asker;
        int64_t wall_us;
        size_t place;
} Listing;

static bool next_agent(void *listing_, ContactItem *ret_item) {
        Listing *listing = listing_;
        const Agent *agent = directory_each(listing->directory, &listing->asker, listing->wall_us, &listing->place);

        if (agent)
                *ret_item = (ContactItem){ .local = text_of(agent->local), .name = text_of(agent->display_name) };
        return agent != NULL;
}

/* Whether somebody may make a workspace here, which agents may not. */
static bool may_register(const Loop *loop, const Listing *listing) {
        const Registration registration = settings_registration(loop->settings);
        Sender asker = listing->asker;

        return !asker.suspended && asker.kind != SENDER_AGENT && asker.kind != SENDER_NOBODY &&
               registration_offers(&registration, directory_domains(listing->directory), asker.domain);
}

static ContactView view_of_hub(const Loop *loop, Listing *listing) {
        return (ContactView){
                .seen = true,
                .hub = true,
                .wall_us = loop->now.wall_us,
                .idle_seconds = (loop->now.wall_us - loop->started_us) / SECONDS,
                .addresses = loop->settings->contact_addresses,
                .registers = may_register(loop, listing),
                .next_agent = next_agent,
                .agents = listing,
        };
}

/* Presence itself asks nothing, and is only counted. */
static bool is_heard(Loop *loop, const Stanza *stanza) {
        bool asks = stanza->type == TYPE_SUBSCRIBE || stanza->type == TYPE_UNSUBSCRIBE || stanza->type == TYPE_PROBE;

        return core_meter(loop->core, loop->now, &stanza->from) &&
               (stanza->kind != STANZA_PRESENCE ||
                (asks && subscription_door_hears(loop->subscriptions, loop->now, &stanza->from)));
}

void loop_take_contact(Loop *loop, Link *link, const Stanza *stanza, Arena *arena) {
        OutgoingList list = { 0 };

        if (is_heard(loop, stanza) && !clients_take(loop->clients, stanza, loop->now.monotonic_us)) {
                Directory *directory = core_directory(loop->core);
                Listing listing = { directory, directory_sender(directory, &stanza->from), loop->now.wall_us, 0 };
                Agent *agent = directory_agent(directory, &listing.asker, stanza->to.local, loop->now.wall_us, NULL);
                ContactView view = stanza->to.local.length == 0 ? view_of_hub(loop, &listing)
                                   : agent                      ? roster_view(agent, loop->now, arena)
                                                                : (ContactView){ 0 };
                if (view.seen && command_is_for(stanza)) {
                        loop_take_command(loop, link, stanza, &listing.asker, arena);
                        return;
                }
                if (view.registers && stanza->from.local.length > 0 && registration_is(stanza)) {
                        loop_take_registration(loop, link, stanza, arena);
                        return;
                }
                if (view.hub || !agent || stanza->kind != STANZA_PRESENCE ||
                    !loop_take_wish(loop, stanza, &listing.asker, agent, arena, &list))
                        contact_add_answer(&list, arena, stanza, &view);
                loop_send(loop, link, &list);
        }
        arena_free(arena);
}
