#include "component/doors/command_session.h"

#include "base/crypto.h"
#include "base/map.h"

#include <assert.h>

#define SESSION_ARENA ((size_t) 64 * 1024)

/* In order of use, the longest ago first. */
typedef struct Queued {
        CommandSession *oldest, *newest;
} Queued;

struct Person {
        char *bare;
        CommandSession *oldest, *newest;
        size_t sessions, answers;
};

struct Sessions {
        SessionLimits limits;
        Map *by_id, *people;
        Queued open, done;
        size_t guests, guest_answers;
        size_t bytes;
};

Sessions *sessions_new(SessionLimits limits) {
        Sessions *sessions = memory_new(sizeof(*sessions));
        sessions->limits = limits;
        sessions->by_id = map_new(64);
        sessions->people = map_new(64);
        return sessions;
}

size_t sessions_count(const Sessions *sessions) {
        return map_count(sessions->by_id);
}

static Person *person_of(Sessions *sessions, Text bare) {
        Person *person = map_get(sessions->people, bare);
        if (person)
                return person;
        person = memory_new(sizeof(*person));
        person->bare = text_keep(bare);
        map_put(sessions->people, text_of(person->bare), person);
        return person;
}

static void person_release(Sessions *sessions, Person *person) {
        if (person->sessions > 0 || person->answers > 0)
                return;
        map_remove(sessions->people, text_of(person->bare));
        free(person->bare);
        free(person);
}

/* The two orders in which a session stands */

static Queued *queue_of(Sessions *sessions, const CommandSession *session) {
        return session->done ? &sessions->done : &sessions->open;
}

static void leave(Sessions *sessions, CommandSession *session) {
        Queued *queued = queue_of(sessions, session);
        Person *person = session->person;
        *(session->older ? &session->older->newer : &queued->oldest) = session->newer;
        *(session->newer ? &session->newer->older : &queued->newest) = session->older;
        *(session->older_of_his ? &session->older_of_his->newer_of_his : &person->oldest) = session->newer_of_his;
        *(session->newer_of_his ? &session->newer_of_his->older_of_his : &person->newest) = session->older_of_his;
}

static void enter(Sessions *sessions, CommandSession *session) {
        Queued *queued = queue_of(sessions, session);
        Person *person = session->person;
        session->older = queued->newest;
        session->newer = NULL;
        *(queued->newest ? &queued->newest->newer : &queued->oldest) = session;
        queued->newest = session;
        session->older_of_his = person->newest;
        session->newer_of_his = NULL;
        *(person->newest ? &person->newest->newer_of_his : &person->oldest) = session;
        person->newest = session;
}

static void use(Sessions *sessions, CommandSession *session, int64_t now_us) {
        leave(sessions, session);
        session->used_us = now_us;
        enter(sessions, session);
}

void session_close(Sessions *sessions, CommandSession *session) {
        Person *person = session->person;
        leave(sessions, session);
        map_remove(sessions->by_id, text_of(session->id));
        person->sessions--;
        sessions->guests -= session->guest;
        sessions->bytes -= session->bytes;
        json_free(session->talk.values);
        free(session->next);
        arena_free(session->arena);
        free(session);
        person_release(sessions, person);
}

/* What is busy is at the newer end or will be soon; it is passed over. */
static CommandSession *oldest_idle(const Queued *queued) {
        CommandSession *session = queued->oldest;
        while (session && session->busy)
                session = session->newer;
        return session;
}

static CommandSession *oldest_idle_of(const Person *person) {
        CommandSession *session = person->oldest;
        while (session && session->busy)
                session = session->newer_of_his;
        return session;
}

static void expire(Sessions *sessions, Queued *queued, int64_t before_us) {
        CommandSession *session;
        while ((session = oldest_idle(queued)) && session->used_us <= before_us) {
                assert(queue_of(sessions, session) == queued);
                session_close(sessions, session);
        }
}

static void expire_all(Sessions *sessions, int64_t now_us) {
        expire(sessions, &sessions->open, now_us - sessions->limits.idle_us);
        expire(sessions, &sessions->done, now_us - sessions->limits.done_us);
}

/* One more may be opened; the person's own oldest goes first, and what is over anyway. */
static bool make_room(Sessions *sessions, Person *person, bool guest) {
        const SessionLimits *limits = &sessions->limits;
        CommandSession *spare = oldest_idle(&sessions->done);
        bool full = sessions_count(sessions) >= limits->all, crowded = guest && sessions->guests >= limits->guests;
        if (person->sessions >= limits->each || ((full || crowded) && person->sessions > 0)) {
                CommandSession *own = oldest_idle_of(person);
                if (own)
                        session_close(sessions, own);
                return own != NULL;
        }
        if (full && !crowded && spare) {
                session_close(sessions, spare);
                return true;
        }
        return !full && !crowded;
}

static void copy_talk(CommandSession *session, const CommandTalk *talk) {
        Text *tenants = arena_take_array(session->arena, Text, talk->tenant_count);
        session->talk = *talk;
        session->talk.agent = text_copy(session->arena, talk->agent);
        session->talk.after = TEXT_NONE;
        session->talk.tenants = tenants;
        if (!tenants)
                session->talk.tenant_count = 0;
        for (size_t i = 0; i < session->talk.tenant_count; i++)
                tenants[i] = text_copy(session->arena, talk->tenants[i]);
}

static void make_id(char ret_id[static SESSION_ID_SIZE]) {
        uint8_t bytes[16];
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
        crypto_random(bytes, sizeof(bytes));
        text_add_hex(&builder, bytes, sizeof(bytes));
        memcpy(ret_id, builder.bytes, SESSION_ID_SIZE);
}

bool session_open(Sessions *sessions, const Jid *owner, Text address, bool guest, const CommandTalk *talk,
                  int64_t now_us, CommandSession **ret_session, Failure *reterr_failure) {
        expire_all(sessions, now_us);
        Person *person = person_of(sessions, owner->bare);
        person->answers++; /* so that making room does not forget the person */
        bool room = make_room(sessions, person, guest);
        person->answers--;
        if (!room) {
                person_release(sessions, person);
                return failure_set(reterr_failure, FAILURE_LIMIT,
                                   "too many commands are open here; try again in a few minutes");
        }
        CommandSession *session = memory_new(sizeof(*session));
        session->arena = arena_new(SESSION_ARENA);
        make_id(session->id);
        copy_talk(session, talk);
        session->owner = text_copy(session->arena, owner->full);
        session->address = text_copy(session->arena, address);
        session->guest = guest;
        session->used_us = now_us;
        session->person = person;
        person->sessions++;
        sessions->guests += guest;
        enter(sessions, session);
        map_put(sessions->by_id, text_of(session->id), session);
        *ret_session = session;
        return true;
}

CommandSession *session_by_id(Sessions *sessions, Text id) {
        return map_get(sessions->by_id, id);
}

CommandSession *session_find(Sessions *sessions, Text id, const Jid *owner, Text address, int64_t now_us) {
        expire_all(sessions, now_us);
        CommandSession *session = session_by_id(sessions, id);
        if (!session || !text_equal(session->owner, owner->full) || !text_equal(session->address, address))
                return NULL;
        use(sessions, session, now_us);
        return session;
}

static size_t bytes_of(const Json *value) {
        Text name;
        Json *member;
        size_t bytes = json_to_text(value).length;
        if (json_type_of(value) == JSON_TYPE_OBJECT)
                for (JsonIterator i = { 0 }; json_each(value, &i, &name, &member);)
                        bytes += name.length + bytes_of(member);
        for (size_t i = 0; json_type_of(value) == JSON_TYPE_ARRAY && i < json_count(value); i++)
                bytes += bytes_of(json_item(value, i));
        return bytes;
}

bool session_weigh(Sessions *sessions, CommandSession *session, Failure *reterr_failure) {
        size_t bytes = bytes_of(session->talk.values);
        sessions->bytes = sessions->bytes - session->bytes + bytes;
        session->bytes = bytes;
        return sessions->bytes <= sessions->limits.bytes ||
               failure_set(reterr_failure, FAILURE_LIMIT,
                           "the commands that are open here hold too much; try again in a few minutes");
}

void session_set_done(Sessions *sessions, CommandSession *session, int64_t now_us) {
        leave(sessions, session);
        session->done = true;
        session->used_us = now_us;
        enter(sessions, session);
}

void session_turn_page(CommandSession *session, Text next) {
        free(session->next);
        session->next = next.length > 0 ? text_keep(next) : NULL;
        session->talk.after = TEXT_NONE;
        session->paging = session->next != NULL;
}

bool sessions_may_ask(Sessions *sessions, Text bare, bool guest) {
        static const size_t of_one = 4, of_guests = 8;
        const Person *person = map_get(sessions->people, bare);
        return (!person || person->answers < of_one) && (!guest || sessions->guest_answers < of_guests);
}

void sessions_begin_answer(Sessions *sessions, Text bare, bool guest) {
        person_of(sessions, bare)->answers++;
        sessions->guest_answers += guest;
}

void sessions_end_answer(Sessions *sessions, Text bare, bool guest) {
        Person *person = map_get(sessions->people, bare);
        assert(person && person->answers > 0);
        person->answers--;
        sessions->guest_answers -= guest;
        person_release(sessions, person);
}

void sessions_free(Sessions *sessions) {
        Person *person;
        while (sessions->open.oldest)
                session_close(sessions, sessions->open.oldest);
        while (sessions->done.oldest)
                session_close(sessions, sessions->done.oldest);
        for (size_t i = 0; (person = map_each(sessions->people, &i));) {
                map_remove(sessions->people, text_of(person->bare));
                free(person->bare);
                free(person);
        }
        map_free(sessions->by_id);
        map_free(sessions->people);
        free(sessions);
}
