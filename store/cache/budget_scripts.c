/* An account is an array: reserved (money, tokens), ends of minute, day and month, and what was spent in each (money,
 * tokens). A message is a map: `a` accounts, `z` calendar, `s` what is booked of it, `c` its outstanding calls, each
 * {ordinal, state, money, tokens, owner} with state h (held) or s (sent). Numbers are below 2⁵³, where Lua's are exact.
 *
 * Windows are those that Redis' TIME is in; one that was begun goes on until its end, also when the clock goes back or
 * somebody knows another calendar, so that no window is opened twice.
 */
#include "store/cache/budget_scripts.h"

/* Each script is made of the parts that it needs, and no more: whatever stands before it is run at each call. ARGV[1]
 * is the generation, ARGV[2] all numbers, eight bytes each, and what follows are strings; Redis takes each argument
 * apart for about as long as it adds up an account. */
#define HEAD                                                                                                           \
        "local gate, call, pack, unpacked = ARGV[1], redis.call, cmsgpack.pack, cmsgpack.unpack\n"                     \
        "local P = 'budget:' .. string.sub(gate, 42)\n"

#define OPEN     HEAD "if call('GET', 'budget:generation') ~= gate then return {'closed'} end\n"
#define BUILDING HEAD "if call('GET', 'budget:rebuild') ~= gate then return {'closed'} end\n"

#define TICK                                                                                                           \
        "local time = call('TIME')\n"                                                                                  \
        "local now = time[1] * 1000000 + time[2]\n"

/* After TICK, with where day and month begin and end, of the installation (i) and of the tenant (t). */
#define INSIDE                                                                                                         \
        "if now < i1 or now >= i2 or now < i3 or now >= i4 or\n"                                                       \
        "   now < t1 or now >= t2 or now < t3 or now >= t4 then\n"                                                     \
        "  return {'outside', now}\n"                                                                                  \
        "end\n"

#define ROLL                                                                                                           \
        "local minute = now - now % 60000000 + 60000000\n"                                                             \
        "local function roll(name, a)\n"                                                                               \
        "  if a[3] <= now then a[3], a[6], a[7] = minute, 0, 0 end\n"                                                  \
        "  if a[4] <= now then a[4], a[8], a[9] = name == 'i' and i2 or t2, 0, 0 end\n"                                \
        "  if a[5] <= now then a[5], a[10], a[11] = name == 'i' and i4 or t4, 0, 0 end\n"                              \
        "end\n"

/* Windows are looked at only where they matter. */
#define NO_ROLL "local function roll() end\n"

/* After ROLL or NO_ROLL. */
#define ACCOUNTS                                                                                                       \
        "local accounts = {}\n"                                                                                        \
        "local function load(names)\n"                                                                                 \
        "  local missing = {}\n"                                                                                       \
        "  for i = 1, #names do\n"                                                                                     \
        "    if not accounts[names[i]] then missing[#missing + 1] = names[i] end\n"                                    \
        "  end\n"                                                                                                      \
        "  if #missing == 0 then return end\n"                                                                         \
        "  local values = call('HMGET', P .. ':accounts', unpack(missing))\n"                                          \
        "  for i = 1, #missing do\n"                                                                                   \
        "    local a = values[i] and unpacked(values[i]) or {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}\n"                       \
        "    roll(missing[i], a)\n"                                                                                    \
        "    accounts[missing[i]] = a\n"                                                                               \
        "  end\n"                                                                                                      \
        "end\n"                                                                                                        \
        "local function save(names)\n"                                                                                 \
        "  local values = {}\n"                                                                                        \
        "  for i = 1, #names do\n"                                                                                     \
        "    values[2 * i - 1] = names[i]\n"                                                                           \
        "    values[2 * i] = pack(accounts[names[i]])\n"                                                               \
        "  end\n"                                                                                                      \
        "  call('HSET', P .. ':accounts', unpack(values))\n"                                                           \
        "end\n"

#define MESSAGE                                                                                                        \
        "local function message(id)\n"                                                                                 \
        "  local r = call('HGET', P .. ':messages', id)\n"                                                             \
        "  return r and unpacked(r)\n"                                                                                 \
        "end\n"

#define KEEP                                                                                                           \
        "local function keep(id, r)\n"                                                                                 \
        "  if #r.c == 0 then\n"                                                                                        \
        "    call('HDEL', P .. ':messages', id)\n"                                                                     \
        "    call('ZREM', P .. ':open', id)\n"                                                                         \
        "  else\n"                                                                                                     \
        "    call('HSET', P .. ':messages', id, pack(r))\n"                                                            \
        "  end\n"                                                                                                      \
        "end\n"

/* After ACCOUNTS. */
#define ADD                                                                                                            \
        "local function add(r, money, tokens)\n"                                                                       \
        "  load(r.a)\n"                                                                                                \
        "  for i = 1, #r.a do\n"                                                                                       \
        "    local a = accounts[r.a[i]]\n"                                                                             \
        "    a[1] = math.max(0, a[1] + money)\n"                                                                       \
        "    a[2] = math.max(0, a[2] + tokens)\n"                                                                      \
        "  end\n"                                                                                                      \
        "  save(r.a)\n"                                                                                                \
        "end\n"

/* After KEEP and ADD. */
#define DROP                                                                                                           \
        "local function drop(id, r, ends)\n"                                                                           \
        "  local left, money, tokens = {}, 0, 0\n"                                                                     \
        "  for i = 1, #r.c do\n"                                                                                       \
        "    local c = r.c[i]\n"                                                                                       \
        "    if ends(c) then\n"                                                                                        \
        "      money = money + c[3]\n"                                                                                 \
        "      tokens = tokens + c[4]\n"                                                                               \
        "    else\n"                                                                                                   \
        "      left[#left + 1] = c\n"                                                                                  \
        "    end\n"                                                                                                    \
        "  end\n"                                                                                                      \
        "  if #left == #r.c then return false end\n"                                                                   \
        "  r.c = left\n"                                                                                               \
        "  add(r, -money, -tokens)\n"                                                                                  \
        "  keep(id, r)\n"                                                                                              \
        "  return true\n"                                                                                              \
        "end\n"

#define CALL  "local ordinal = struct.unpack('<i8', ARGV[2])\n"
#define EIGHT "i8i8i8i8i8i8i8i8"

/* Numbers: ordinal, calendars, spent, least, most, and of each budget which of the accounts, unit, window, amount.
 * Strings: message, owner, calendar, accounts. */
static const char reserve[] = OPEN TICK
        "local n = ARGV[2]\n"
        "local ordinal, i1, i2, i3, i4, t1, t2, t3, t4, spent1, spent2, least1, least2, most1, most2, at =\n"
        "  struct.unpack('<" EIGHT "i8i8i8i8i8i8i8', n)\n" INSIDE ROLL ACCOUNTS MESSAGE "local id = ARGV[3]\n"
        "local names = {}\n"
        "for i = 6, #ARGV do names[i - 5] = ARGV[i] end\n"
        "load(names)\n"
        "local r, own1, own2 = message(id), 0, 0\n"
        "if r then\n"
        "  for i = 1, #r.c do\n"
        "    local c = r.c[i]\n"
        "    if c[1] == ordinal then return {'done', c[3], c[4], -1, 0, 0} end\n"
        "    own1, own2 = own1 + c[3], own2 + c[4]\n"
        "  end\n"
        "  load(r.a)\n"
        "else\n"
        "  r = {a = names, z = ARGV[5], s = {spent1, spent2}, c = {}}\n"
        "end\n"
        "local free, best, free_of, best_of = {}, {}, {}, {}\n"
        "local spent, ends, own, count = {}, {}, {own1, own2}, 0\n"
        "local full, full_of = -1, -1\n"
        "while at < #n do\n"
        "  local k, u, w, amount\n"
        "  k, u, w, amount, at = struct.unpack('<i8i8i8i8', n, at)\n"
        "  local a, b = accounts[names[k]], count\n"
        "  local s = a[3 + 2 * w + u]\n"
        "  spent[b], ends[b], count = s, a[2 + w], b + 1\n"
        "  local f, x = amount - s - a[u], amount - s - own[u]\n"
        "  if not free[u] or f < free[u] then free[u], free_of[u] = f, b end\n"
        "  if not best[u] or x < best[u] then best[u], best_of[u] = x, b end\n"
        "  if amount > 0 and s / amount > full then full, full_of = s / amount, b end\n"
        "end\n"
        "local granted, waits = {}, nil\n"
        "for u = 1, 2 do\n"
        "  local least, most = u == 1 and least1 or least2, u == 1 and most1 or most2\n"
        "  if least < 1 then least = 1 end\n"
        "  if most == 0 or not free[u] or free[u] >= most then\n"
        "    granted[u] = most\n"
        "  elseif best[u] < least then\n"
        "    local b = best_of[u]\n"
        "    return {'refused', 0, 0, b, spent[b], ends[b], now}\n"
        "  elseif best[u] >= most or free[u] < least then\n"
        "    waits = waits or free_of[u]\n"
        "  else\n"
        "    granted[u] = free[u]\n"
        "  end\n"
        "end\n"
        "if waits then return {'waits', 0, 0, waits, spent[waits], ends[waits], now} end\n"
        "local money, tokens = granted[1], granted[2]\n"
        "r.c[#r.c + 1] = {ordinal, 'h', money, tokens, ARGV[4]}\n"
        "for i = 1, #r.a do\n"
        "  local a = accounts[r.a[i]]\n"
        "  a[1], a[2] = a[1] + money, a[2] + tokens\n"
        "end\n"
        "save(r.a)\n"
        "call('HSET', P .. ':messages', id, pack(r))\n"
        "call('ZADD', P .. ':open', now, id)\n"
        "return {'done', money, tokens, full_of, spent[full_of] or 0, ends[full_of] or 0, now}\n";

static const char sent[] = OPEN MESSAGE CALL "local id, owner = ARGV[3], ARGV[4]\n"
                                             "local r = message(id)\n"
                                             "for _, c in ipairs(r and r.c or {}) do\n"
                                             "  if c[1] == ordinal and c[5] == owner then\n"
                                             "    c[2] = 's'\n"
                                             "    call('HSET', P .. ':messages', id, pack(r))\n"
                                             "    return {'done'}\n"
                                             "  end\n"
                                             "end\n"
                                             "return {'gone'}\n";

static const char release[] = OPEN NO_ROLL ACCOUNTS MESSAGE KEEP ADD DROP CALL
        "local r = message(ARGV[3])\n"
        "if r then drop(ARGV[3], r, function(c) return c[1] == ordinal end) end\n"
        "return {'done'}\n";

/* What the message has cost so far is booked up to that, whoever says it and however often. */
static const char settle[] = OPEN TICK "local ordinal, i1, i2, i3, i4, t1, t2, t3, t4, money, tokens =\n"
                                       "  struct.unpack('<" EIGHT
                                       "i8i8i8', ARGV[2])\n" INSIDE ROLL ACCOUNTS MESSAGE KEEP "local id = ARGV[3]\n"
                                       "local r = message(id)\n"
                                       "if not r then return {'done'} end\n"
                                       "load(r.a)\n"
                                       "money, tokens = math.max(0, money - r.s[1]), math.max(0, tokens - r.s[2])\n"
                                       "r.s[1], r.s[2] = r.s[1] + money, r.s[2] + tokens\n"
                                       "local left, held1, held2 = {}, 0, 0\n"
                                       "for i = 1, #r.c do\n"
                                       "  local c = r.c[i]\n"
                                       "  if c[1] < ordinal then\n"
                                       "    held1, held2 = held1 + c[3], held2 + c[4]\n"
                                       "  else\n"
                                       "    left[#left + 1] = c\n"
                                       "  end\n"
                                       "end\n"
                                       "r.c = left\n"
                                       "for i = 1, #r.a do\n"
                                       "  local a = accounts[r.a[i]]\n"
                                       "  a[1], a[2] = math.max(0, a[1] - held1), math.max(0, a[2] - held2)\n"
                                       "  a[6], a[8], a[10] = a[6] + money, a[8] + money, a[10] + money\n"
                                       "  a[7], a[9], a[11] = a[7] + tokens, a[9] + tokens, a[11] + tokens\n"
                                       "end\n"
                                       "save(r.a)\n"
                                       "keep(id, r)\n"
                                       "return {'done'}\n";

static const char presume[] = OPEN NO_ROLL ACCOUNTS MESSAGE KEEP ADD DROP CALL
        "local id, money, tokens = ARGV[3], 0, 0\n"
        "local r = message(id)\n"
        "if not r then return {'done', 0, 0} end\n"
        "drop(id, r, function(c) return c[1] < ordinal and c[2] == 'h' end)\n"
        "for _, c in ipairs(r.c) do\n"
        "  if c[1] < ordinal then money, tokens = money + c[3], tokens + c[4] end\n"
        "end\n"
        "return {'done', money, tokens}\n";

static const char recover[] = OPEN NO_ROLL ACCOUNTS MESSAGE KEEP ADD DROP
        "local id, owner = ARGV[3], ARGV[4]\n"
        "local r = message(id)\n"
        "if r then drop(id, r, function(c) return c[2] == 'h' and c[5] == owner end) end\n"
        "return {'done'}\n";

static const char look[] = OPEN TICK NO_ROLL ACCOUNTS "load({ARGV[3]})\n"
                                                      "local a = accounts[ARGV[3]]\n"
                                                      "table.insert(a, 1, 'done')\n"
                                                      "a[#a + 1] = now\n"
                                                      "return a\n";

/* Numbers: after, before, how many. Each message as id, time, calendar and calls, five to a call. */
static const char list[] = HEAD MESSAGE
        "if call('GET', 'budget:generation') ~= gate and call('GET', 'budget:rebuild') ~= gate then\n"
        "  return {'closed'}\n"
        "end\n"
        "local after, before, most = struct.unpack('<i8i8i8', ARGV[2])\n"
        "local ids = call('ZRANGEBYSCORE', P .. ':open', string.format('(%.0f', after), before, 'WITHSCORES', "
        "'LIMIT',\n"
        "                 0, most)\n"
        "local rows = {'done'}\n"
        "for i = 1, #ids, 2 do\n"
        "  local r = message(ids[i])\n"
        "  local row = {ids[i], tonumber(ids[i + 1]), r and r.z or ''}\n"
        "  for _, c in ipairs(r and r.c or {}) do\n"
        "    for k = 1, 5 do row[#row + 1] = c[k] end\n"
        "  end\n"
        "  if not r then call('ZREM', P .. ':open', ids[i]) end\n"
        "  rows[#rows + 1] = row\n"
        "end\n"
        "return rows\n";

static const char lock[] = HEAD "if call('SET', 'budget:rebuild', gate, 'NX', 'PX', 10000) then return {'done'} end\n"
                                "return {'closed'}\n";

static const char renew[] = BUILDING "call('PEXPIRE', 'budget:rebuild', (struct.unpack('<i8', ARGV[2])))\n"
                                     "return {'done'}\n";

/* When nobody ('') has told, everybody has: the ledger is being read. */
#define TOLD "if call('HEXISTS', P .. ':joined', '') == 1 then return {'closed'} end\n"

/* Calls that are nobody's are the builder's. Numbers: of each call ordinal, money, tokens. Strings: message, calendar,
 * how many accounts, they, and of each call state and owner. */
static const char join[] = BUILDING TICK NO_ROLL ACCOUNTS MESSAGE KEEP ADD
        "if ARGV[#ARGV] ~= '' then " TOLD " end\n"
        "local id = ARGV[3]\n"
        "if message(id) then return {'done'} end\n"
        "local r = {a = {}, z = ARGV[4], s = {0, 0}, c = {}}\n"
        "local word, at = 6 + tonumber(ARGV[5]), 1\n"
        "for i = 6, word - 1 do r.a[#r.a + 1] = ARGV[i] end\n"
        "local money, tokens = 0, 0\n"
        "while at < #ARGV[2] do\n"
        "  local ordinal, m, t\n"
        "  ordinal, m, t, at = struct.unpack('<i8i8i8', ARGV[2], at)\n"
        "  r.c[#r.c + 1] = {ordinal, ARGV[word], m, t, ARGV[word + 1]}\n"
        "  money, tokens, word = money + m, tokens + t, word + 2\n"
        "end\n"
        "add(r, money, tokens)\n"
        "keep(id, r)\n"
        "call('ZADD', P .. ':open', now, id)\n"
        "return {'done'}\n";

static const char joined[] = BUILDING TOLD "call('HSET', P .. ':joined', ARGV[3], 1)\n"
                                           "call('EXPIRE', P .. ':joined', 86400)\n"
                                           "return {'done'}\n";

static const char has_joined[] = BUILDING
        "return {call('HEXISTS', P .. ':joined', ARGV[3]) == 1 and 'done' or 'gone'}\n";

static const char booked[] = BUILDING MESSAGE KEEP "local r = message(ARGV[3])\n"
                                                   "if not r then return {'gone'} end\n"
                                                   "local money, tokens = struct.unpack('<i8i8', ARGV[2])\n"
                                                   "r.s = {money, tokens}\n"
                                                   "keep(ARGV[3], r)\n"
                                                   "return {'done'}\n";

static const char seed[] = BUILDING NO_ROLL ACCOUNTS "load({ARGV[3]})\n"
                                                     "local a = accounts[ARGV[3]]\n"
                                                     "for i = 3, 11 do\n"
                                                     "  a[i] = (struct.unpack('<i8', ARGV[2], 8 * (i - 3) + 1))\n"
                                                     "end\n"
                                                     "save({ARGV[3]})\n"
                                                     "return {'done'}\n";

static const char open_[] = BUILDING "call('SET', 'budget:generation', gate)\n"
                                     "call('DEL', 'budget:rebuild')\n"
                                     "return {'done'}\n";

/* Numbers: the moment before which windows must have ended, and how many are looked at. String: cursor. */
static const char clean[] = OPEN
        "local before, most = struct.unpack('<i8i8', ARGV[2])\n"
        "local page = call('HSCAN', P .. ':accounts', ARGV[3], 'COUNT', most)\n"
        "for i = 1, #page[2], 2 do\n"
        "  local a = unpacked(page[2][i + 1])\n"
        "  if a[1] == 0 and a[2] == 0 and a[3] < before and a[4] < before and a[5] < before then\n"
        "    call('HDEL', P .. ':accounts', page[2][i])\n"
        "  end\n"
        "end\n"
        "return {'done', page[1]}\n";

const char *const budget_scripts[SCRIPT_COUNT] = {
        [SCRIPT_RESERVE] = reserve,
        [SCRIPT_SENT] = sent,
        [SCRIPT_RELEASE] = release,
        [SCRIPT_SETTLE] = settle,
        [SCRIPT_PRESUME] = presume,
        [SCRIPT_RECOVER] = recover,
        [SCRIPT_LOOK] = look,
        [SCRIPT_LIST] = list,
        [SCRIPT_LOCK] = lock,
        [SCRIPT_RENEW] = renew,
        [SCRIPT_JOIN] = join,
        [SCRIPT_JOINED] = joined,
        [SCRIPT_HAS_JOINED] = has_joined,
        [SCRIPT_BOOKED] = booked,
        [SCRIPT_SEED] = seed,
        [SCRIPT_OPEN] = open_,
        [SCRIPT_CLEAN] = clean,
};
