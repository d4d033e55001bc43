#include "base/zone.h"

#include "base/map.h"

#include <pthread.h>
#include <stdio.h>

#define FOLDER       "/usr/share/zoneinfo/"
#define NAME_MOST    64
#define FILE_MOST    65536
#define HEADER_SIZE  44
#define DAY_SECONDS  INT64_C(86400)
#define WEEK_MINUTES 10080

/* From this moment of a year on: the nth weekday of a month (5 = the last), at so many seconds of that day. */
typedef struct Turnover {
        int month, week, weekday;
        int64_t seconds;
} Turnover;

/* What holds after the last transition that the file lists. */
typedef struct Rule {
        bool given, changes;
        int64_t standard, daylight; /* offsets */
        Turnover begins, ends;      /* of daylight time, each by the clock before it */
} Rule;

struct Zone {
        char name[NAME_MOST + 1];
        size_t count;
        int64_t *moments; /* Unix seconds, rising */
        int64_t *offsets; /* from that moment on */
        int64_t first;    /* offset before all of them */
        Rule rule;
};

static struct {
        pthread_mutex_t lock;
        Map *zones; /* by name */
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- reading (RFC 8536) ------------------------------------------------------------------------------------------ */

typedef struct Reader {
        const uint8_t *at, *end;
} Reader;

static bool reader_skip(Reader *reader, uint64_t size) {
        if (size > (uint64_t) (reader->end - reader->at))
                return false;
        reader->at += size;
        return true;
}

static int64_t big_endian(const uint8_t *bytes, size_t size) {
        uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < size; i++)
                value = value << 8 | bytes[i];
        return (int64_t) value;
}

typedef struct Header {
        uint64_t utc_count, standard_count, leap_count, moment_count, type_count, letter_count;
} Header;

static bool header_read(Reader *reader, Header *ret_header) {
        const uint8_t *at = reader->at;
        uint64_t *const counts[] = {
                &ret_header->utc_count,    &ret_header->standard_count, &ret_header->leap_count,
                &ret_header->moment_count, &ret_header->type_count,     &ret_header->letter_count
        };

        if (!reader_skip(reader, HEADER_SIZE) || memcmp(at, "TZif", 4) != 0 || at[4] < '2')
                return false;
        for (size_t i = 0; i < COUNT_OF(counts); i++)
                *counts[i] = (uint64_t) big_endian(at + 20 + 4 * i, 4) & UINT32_MAX;
        return true;
}

static uint64_t body_size(const Header *header, uint64_t time_size) {
        return header->moment_count * (time_size + 1) + header->type_count * 6 + header->letter_count +
               header->leap_count * (time_size + 4) + header->standard_count + header->utc_count;
}

static bool body_read(Reader *reader, const Header *header, Zone *zone) {
        const uint8_t *moments = reader->at, *indexes = moments + header->moment_count * 8;
        const uint8_t *types = indexes + header->moment_count;

        if (!reader_skip(reader, body_size(header, 8)) || header->type_count == 0)
                return false;
        zone->count = header->moment_count;
        zone->moments = memory_new((zone->count + 1) * sizeof(int64_t));
        zone->offsets = memory_new((zone->count + 1) * sizeof(int64_t));
        zone->first = big_endian(types, 4);
        for (size_t i = 0; i < zone->count; i++) {
                if (indexes[i] >= header->type_count)
                        return false;
                zone->moments[i] = big_endian(moments + i * 8, 8);
                zone->offsets[i] = big_endian(types + (size_t) indexes[i] * 6, 4);
                if (i && zone->moments[i] <= zone->moments[i - 1])
                        return false;
        }
        return true;
}

/* --- the rule behind it (POSIX.1-2017 §8.3, TZ) --------------------------------------------------------------------
 */

static bool take_char(Text *rest, char c) {
        if (rest->length == 0 || rest->bytes[0] != c)
                return false;
        *rest = (Text){ rest->bytes + 1, rest->length - 1 };
        return true;
}

static bool take_number(Text *rest, int64_t most, int64_t *ret_number) {
        size_t digits = 0;
        int64_t number = 0;

        for (; digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9' && number <= most;
             digits++)
                number = number * 10 + (rest->bytes[digits] - '0');
        *rest = (Text){ rest->bytes + digits, rest->length - digits };
        *ret_number = number;
        return digits > 0 && number <= most;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(Text *rest, int64_t *ret_seconds) {
        int64_t sign = take_char(rest, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

        if (sign > 0)
                (void) take_char(rest, '+');
        if (!take_number(rest, 167, &hours) ||
            (take_char(rest, ':') &&
             (!take_number(rest, 59, &minutes) || (take_char(rest, ':') && !take_number(rest, 59, &seconds)))))
                return false;
        *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
        return true;
}

static bool take_letters(Text *rest) {
        bool quoted = take_char(rest, '<');
        size_t count = 0;

        for (; count < rest->length; count++) {
                char c = rest->bytes[count];
                bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
                if (!letter && !(quoted && c != '>'))
                        break;
        }
        *rest = (Text){ rest->bytes + count, rest->length - count };
        return count >= 3 && (!quoted || take_char(rest, '>'));
}

/* ",Mm.w.d[/time]": the only form that tzdata has had for decades. */
static bool take_turnover(Text *rest, Turnover *ret_turnover) {
        int64_t month, week, weekday;

        if (!take_char(rest, ',') || !take_char(rest, 'M') || !take_number(rest, 12, &month) || !take_char(rest, '.') ||
            !take_number(rest, 5, &week) || !take_char(rest, '.') || !take_number(rest, 6, &weekday) || month == 0 ||
            week == 0)
                return false;
        *ret_turnover = (Turnover){ (int) month, (int) week, (int) weekday, 2 * 3600 };
        return !take_char(rest, '/') || take_time(rest, &ret_turnover->seconds);
}

static bool rule_read(Text text, Rule *rule) {
        int64_t offset;

        if (text.length == 0)
                return true;
        if (!take_letters(&text) || !take_time(&text, &offset))
                return false;
        rule->given = true;
        rule->standard = -offset;
        if (text.length == 0)
                return true;
        rule->daylight = rule->standard + 3600;
        if (!take_letters(&text))
                return false;
        if (text.length && text.bytes[0] != ',') {
                if (!take_time(&text, &offset))
                        return false;
                rule->daylight = -offset;
        }
        rule->changes = true;
        return take_turnover(&text, &rule->begins) && take_turnover(&text, &rule->ends) && text.length == 0;
}

/* Days from 1970 to the first of a month. */
static int64_t days_to(int64_t year, int month) {
        year -= month <= 2;
        int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
        int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int weekday_of(int64_t days) { /* 0 = Sunday */
        return (int) (((days + 4) % 7 + 7) % 7);
}

/* By a clock that is `offset` ahead. */
static int64_t turnover_moment(const Turnover *turnover, int64_t year, int64_t offset) {
        int64_t first = days_to(year, turnover->month);
        int64_t next = turnover->month == 12 ? days_to(year + 1, 1) : days_to(year, turnover->month + 1);
        int64_t day = first + (turnover->weekday - weekday_of(first) + 7) % 7 + 7 * (turnover->week - 1);

        while (day >= next)
                day -= 7;
        return day * DAY_SECONDS + turnover->seconds - offset;
}

static int64_t rule_offset(const Rule *rule, int64_t seconds) {
        if (!rule->changes)
                return rule->standard;
        int64_t days = (seconds + rule->standard) / DAY_SECONDS, year = 1970 + days / 366;
        while (days_to(year + 1, 1) <= days)
                year++;
        int64_t begins = turnover_moment(&rule->begins, year, rule->standard);
        int64_t ends = turnover_moment(&rule->ends, year, rule->daylight);
        bool daylight = begins < ends ? seconds >= begins && seconds < ends : seconds >= begins || seconds < ends;
        return daylight ? rule->daylight : rule->standard;
}

/* --- zones ---------------------------------------------------------------------------------------------------------
 */

static void zone_free(Zone *zone) {
        if (zone) {
                free(zone->moments);
                free(zone->offsets);
        }
        free(zone);
}
DEFINE_RELEASE(Zone *, zone_free)

static Zone *zone_parse(const uint8_t *bytes, size_t size) {
        _cleanup_(zone_freep) Zone *zone = memory_new(sizeof(*zone));
        Reader reader = { bytes, bytes + size };
        Header header;

        if (!header_read(&reader, &header) || !reader_skip(&reader, body_size(&header, 4)) ||
            !header_read(&reader, &header) || !body_read(&reader, &header, zone))
                return NULL;
        Text rest = { (const char *) reader.at, (size_t) (reader.end - reader.at) }, rule;
        if (!take_char(&rest, '\n') || !text_split(&rest, '\n', &rule) || !rule_read(rule, &zone->rule))
                zone->rule = (Rule){ 0 };
        Zone *parsed = zone;
        zone = NULL;
        return parsed;
}

static bool is_zone_name(Text name) {
        if (name.length == 0 || name.length > NAME_MOST || name.bytes[0] == '/')
                return false;
        for (size_t i = 0; i < name.length; i++) {
                char c = name.bytes[i];
                bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
                if (!letter && c != '/' && c != '_' && c != '-' && c != '+')
                        return false;
        }
        return true;
}

static Zone *zone_load(Text name) {
        _cleanup_(free_memoryp) char *bytes = memory_new(FILE_MOST);
        char path[sizeof(FOLDER) + NAME_MOST + 1];

        snprintf(path, sizeof(path), FOLDER "%.*s", TEXT_ARGUMENTS(name));
        FILE *file = fopen(path, "re");
        if (!file)
                return NULL;
        size_t size = fread(bytes, 1, FILE_MOST, file);
        fclose(file);
        Zone *zone = zone_parse((const uint8_t *) bytes, size);
        if (zone)
                snprintf(zone->name, sizeof(zone->name), "%.*s", TEXT_ARGUMENTS(name));
        return zone;
}

bool zone_find(Text name, const Zone **ret_zone, Failure *reterr_failure) {
        if (!is_zone_name(name))
                return failure_set(reterr_failure, FAILURE_INVALID, "a time zone has a name such as Europe/Berlin");
        pthread_mutex_lock(&known.lock);
        if (!known.zones)
                known.zones = map_new(16);
        Zone *zone = map_get(known.zones, name);
        if (!zone && (zone = zone_load(name)))
                map_put(known.zones, text_of(zone->name), zone);
        pthread_mutex_unlock(&known.lock);
        *ret_zone = zone;
        return zone ||
               failure_set(reterr_failure, FAILURE_INVALID, "there is no time zone '%.*s'", TEXT_ARGUMENTS(name));
}

void zone_prepare(Text name) {
        const Zone *zone;
        bool found = zone_find(name, &zone, NULL);
        (void) found;
}

const char *zone_name(const Zone *zone) {
        return zone ? zone->name : "UTC";
}

int64_t zone_offset(const Zone *zone, int64_t unix_seconds) {
        size_t from = 0, to;

        if (!zone)
                return 0;
        to = zone->count;
        if (zone->rule.given && (to == 0 || unix_seconds >= zone->moments[to - 1]))
                return rule_offset(&zone->rule, unix_seconds);
        while (from < to) {
                size_t middle = (from + to) / 2;
                if (zone->moments[middle] <= unix_seconds)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from ? zone->offsets[from - 1] : zone->first;
}

int zone_minute_of_week(const Zone *zone, int64_t wall_us) {
        int64_t seconds = wall_us / 1000000;
        int64_t minutes = (seconds + zone_offset(zone, seconds)) / 60 +
                          INT64_C(3) * 1440; /* 1970 began on a Thursday */
        return (int) ((minutes % WEEK_MINUTES + WEEK_MINUTES) % WEEK_MINUTES);
}
