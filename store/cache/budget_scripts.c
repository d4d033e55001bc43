/* An account is an array: reserved (money, tokens), ends of minute, day and month, and what was spent in each (money,
 * tokens). A message is a map: `a` accounts, `z` calendar, `s` what is booked of it, `c` its outstanding calls, each
 * {ordinal, state, money, tokens, owner} with state h (held) or s (sent). Numbers are below 2⁵³, where Lua's are exact.
 *
 * Windows are those that Redis' TIME is in; one that was begun goes on until its end, also when the clock goes back or
 * somebody knows another calendar, so that no window is opened twice.
 */
#include "store/cache/budget_scripts.h"

const char budget_prelude[] =
        "local gate = ARGV[1]\n"
        "local P = 'budget:' .. string.sub(gate, 42) .. ':'\n"
        "local now, calendars, accounts = 0, {}, {}\n"
        "local function gated(key) return redis.call('GET', key) ~= gate end\n"
        "local function tick()\n"
        "  local time = redis.call('TIME')\n"
        "  now = time[1] * 1000000 + time[2]\n"
        "end\n"
        "local function calendar(name, i)\n"
        "  local c = {}\n"
        "  for k = 1, 4 do c[k] = tonumber(ARGV[i + k - 1]) end\n"
        "  calendars[name] = c\n"
        "  return now >= c[1] and now < c[2] and now >= c[3] and now < c[4]\n"
        "end\n"
        "local function roll(name, a)\n"
        "  local c = calendars[name == 'i' and 'i' or 't']\n"
        "  if not c then return end\n"
        "  local ends = {(math.floor(now / 60000000) + 1) * 60000000, c[2], c[4]}\n"
        "  for w = 1, 3 do\n"
        "    if a[2 + w] <= now then\n"
        "      a[2 + w] = ends[w]\n"
        "      a[4 + 2 * w] = 0\n"
        "      a[5 + 2 * w] = 0\n"
        "    end\n"
        "  end\n"
        "end\n"
        "local function load(names)\n"
        "  local missing = {}\n"
        "  for _, name in ipairs(names) do\n"
        "    if not accounts[name] then missing[#missing + 1] = name end\n"
        "  end\n"
        "  if #missing == 0 then return end\n"
        "  local values = redis.call('HMGET', P .. 'accounts', unpack(missing))\n"
        "  for i, name in ipairs(missing) do\n"
        "    accounts[name] = values[i] and cmsgpack.unpack(values[i]) or {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}\n"
        "    roll(name, accounts[name])\n"
        "  end\n"
        "end\n"
        "local function save(names)\n"
        "  local values = {}\n"
        "  for i, name in ipairs(names) do\n"
        "    values[2 * i - 1] = name\n"
        "    values[2 * i] = cmsgpack.pack(accounts[name])\n"
        "  end\n"
        "  redis.call('HSET', P .. 'accounts', unpack(values))\n"
        "end\n"
        "local function message(id)\n"
        "  local r = redis.call('HGET', P .. 'messages', id)\n"
        "  return r and cmsgpack.unpack(r)\n"
        "end\n"
        "local function keep(id, r)\n"
        "  if #r.c == 0 then\n"
        "    redis.call('HDEL', P .. 'messages', id)\n"
        "    redis.call('ZREM', P .. 'open', id)\n"
        "  else\n"
        "    redis.call('HSET', P .. 'messages', id, cmsgpack.pack(r))\n"
        "  end\n"
        "end\n"
        "local function add(r, money, tokens)\n"
        "  load(r.a)\n"
        "  for _, name in ipairs(r.a) do\n"
        "    local a = accounts[name]\n"
        "    a[1] = math.max(0, a[1] + money)\n"
        "    a[2] = math.max(0, a[2] + tokens)\n"
        "  end\n"
        "  save(r.a)\n"
        "end\n"
        "local function drop(id, r, ends)\n"
        "  local left, money, tokens = {}, 0, 0\n"
        "  for _, c in ipairs(r.c) do\n"
        "    if ends(c) then\n"
        "      money = money + c[3]\n"
        "      tokens = tokens + c[4]\n"
        "    else\n"
        "      left[#left + 1] = c\n"
        "    end\n"
        "  end\n"
        "  if #left == #r.c then return false end\n"
        "  r.c = left\n"
        "  add(r, -money, -tokens)\n"
        "  keep(id, r)\n"
        "  return true\n"
        "end\n";

static const char reserve[] =
        "if gated('budget:generation') then return {'closed'} end\n"
        "tick()\n"
        "local inside = calendar('i', 6)\n"
        "if not calendar('t', 10) or not inside then return {'outside', now} end\n"
        "local id, ordinal = ARGV[2], tonumber(ARGV[3])\n"
        "local names = {}\n"
        "for i = 1, tonumber(ARGV[20]) do names[i] = ARGV[20 + i] end\n"
        "load(names)\n"
        "local r = message(id)\n"
        "if not r then r = {a = names, z = ARGV[5], s = {tonumber(ARGV[14]), tonumber(ARGV[15])}, c = {}} end\n"
        "local own = {0, 0}\n"
        "for _, c in ipairs(r.c) do\n"
        "  if c[1] == ordinal then return {'done', c[3], c[4], -1, 0, 0} end\n"
        "  own[1] = own[1] + c[3]\n"
        "  own[2] = own[2] + c[4]\n"
        "end\n"
        "local at = 21 + #names\n"
        "local free, best, free_of, best_of = {}, {}, {}, {}\n"
        "local full, full_of, facts = -1, -1, {}\n"
        "for b = 0, tonumber(ARGV[at]) - 1 do\n"
        "  local i = at + 1 + 4 * b\n"
        "  local a = accounts[ARGV[i]]\n"
        "  local u, w, amount = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])\n"
        "  local spent = a[3 + 2 * w + u]\n"
        "  facts[b] = {spent, a[2 + w]}\n"
        "  local f, x = amount - spent - a[u], amount - spent - own[u]\n"
        "  if not free[u] or f < free[u] then free[u], free_of[u] = f, b end\n"
        "  if not best[u] or x < best[u] then best[u], best_of[u] = x, b end\n"
        "  if amount > 0 and spent / amount > full then full, full_of = spent / amount, b end\n"
        "end\n"
        "local granted, waits = {}, nil\n"
        "for u = 1, 2 do\n"
        "  local least, most = tonumber(ARGV[15 + u]), tonumber(ARGV[17 + u])\n"
        "  if most == 0 or not free[u] or free[u] >= most then\n"
        "    granted[u] = most\n"
        "  elseif best[u] < math.max(least, 1) then\n"
        "    local b = best_of[u]\n"
        "    return {'refused', 0, 0, b, facts[b][1], facts[b][2], now}\n"
        "  elseif best[u] >= most or free[u] < math.max(least, 1) then\n"
        "    waits = waits or free_of[u]\n"
        "  else\n"
        "    granted[u] = free[u]\n"
        "  end\n"
        "end\n"
        "if waits then return {'waits', 0, 0, waits, facts[waits][1], facts[waits][2], now} end\n"
        "r.c[#r.c + 1] = {ordinal, 'h', granted[1], granted[2], ARGV[4]}\n"
        "add(r, granted[1], granted[2])\n"
        "keep(id, r)\n"
        "redis.call('ZADD', P .. 'open', now, id)\n"
        "local fact = facts[full_of] or {0, 0}\n"
        "return {'done', granted[1], granted[2], full_of, fact[1], fact[2], now}\n";

static const char sent[] = "if gated('budget:generation') then return {'closed'} end\n"
                           "local id, ordinal = ARGV[2], tonumber(ARGV[3])\n"
                           "local r = message(id)\n"
                           "for _, c in ipairs(r and r.c or {}) do\n"
                           "  if c[1] == ordinal and c[5] == ARGV[4] then\n"
                           "    c[2] = 's'\n"
                           "    keep(id, r)\n"
                           "    return {'done'}\n"
                           "  end\n"
                           "end\n"
                           "return {'gone'}\n";

static const char release[] = "if gated('budget:generation') then return {'closed'} end\n"
                              "local r, ordinal = message(ARGV[2]), tonumber(ARGV[3])\n"
                              "if r then drop(ARGV[2], r, function(c) return c[1] == ordinal end) end\n"
                              "return {'done'}\n";

/* What the message has cost so far is booked up to that, whoever says it and however often. */
static const char settle[] = "if gated('budget:generation') then return {'closed'} end\n"
                             "tick()\n"
                             "local inside = calendar('i', 6)\n"
                             "if not calendar('t', 10) or not inside then return {'outside', now} end\n"
                             "local id, ordinal = ARGV[2], tonumber(ARGV[3])\n"
                             "local r = message(id)\n"
                             "if not r then return {'done'} end\n"
                             "load(r.a)\n"
                             "for u = 1, 2 do\n"
                             "  local more = math.max(0, tonumber(ARGV[3 + u]) - r.s[u])\n"
                             "  r.s[u] = r.s[u] + more\n"
                             "  for _, name in ipairs(more > 0 and r.a or {}) do\n"
                             "    local a = accounts[name]\n"
                             "    for w = 1, 3 do a[3 + 2 * w + u] = a[3 + 2 * w + u] + more end\n"
                             "  end\n"
                             "end\n"
                             "if drop(id, r, function(c) return c[1] < ordinal end) then return {'done'} end\n"
                             "save(r.a)\n"
                             "keep(id, r)\n"
                             "return {'done'}\n";

static const char presume[] = "if gated('budget:generation') then return {'closed'} end\n"
                              "local id, ordinal, money, tokens = ARGV[2], tonumber(ARGV[3]), 0, 0\n"
                              "local r = message(id)\n"
                              "if not r then return {'done', 0, 0} end\n"
                              "drop(id, r, function(c) return c[1] < ordinal and c[2] == 'h' end)\n"
                              "for _, c in ipairs(r.c) do\n"
                              "  if c[1] < ordinal then money, tokens = money + c[3], tokens + c[4] end\n"
                              "end\n"
                              "return {'done', money, tokens}\n";

static const char recover[] = "if gated('budget:generation') then return {'closed'} end\n"
                              "local r = message(ARGV[2])\n"
                              "if r then drop(ARGV[2], r, function(c) return c[2] == 'h' and c[5] == ARGV[3] end) end\n"
                              "return {'done'}\n";

static const char look[] = "if gated('budget:generation') then return {'closed'} end\n"
                           "tick()\n"
                           "load({ARGV[2]})\n"
                           "local a = accounts[ARGV[2]]\n"
                           "table.insert(a, 1, 'done')\n"
                           "a[#a + 1] = now\n"
                           "return a\n";

/* Each message as id, calendar and calls, five to a call. */
static const char list[] = "if gated('budget:generation') and gated('budget:rebuild') then return {'closed'} end\n"
                           "local ids = redis.call('ZRANGEBYSCORE', P .. 'open', '(' .. ARGV[2], ARGV[3], "
                           "'WITHSCORES', 'LIMIT', 0, ARGV[4])\n"
                           "local rows = {'done'}\n"
                           "for i = 1, #ids, 2 do\n"
                           "  local r = message(ids[i])\n"
                           "  local row = {ids[i], tonumber(ids[i + 1]), r and r.z or ''}\n"
                           "  for _, c in ipairs(r and r.c or {}) do\n"
                           "    for k = 1, 5 do row[#row + 1] = c[k] end\n"
                           "  end\n"
                           "  if not r then redis.call('ZREM', P .. 'open', ids[i]) end\n"
                           "  rows[#rows + 1] = row\n"
                           "end\n"
                           "return rows\n";

static const char lock[] = "if redis.call('SET', 'budget:rebuild', gate, 'NX', 'PX', 10000) then return {'done'} end\n"
                           "return {'closed'}\n";

static const char renew[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                            "redis.call('PEXPIRE', 'budget:rebuild', ARGV[2])\n"
                            "return {'done'}\n";

static const char join[] =
        "if gated('budget:rebuild') then return {'closed'} end\n"
        "local id = ARGV[2]\n"
        "if message(id) then return {'done'} end\n"
        "local r = {a = {}, z = ARGV[3], s = {0, 0}, c = {}}\n"
        "local at = 5 + tonumber(ARGV[4])\n"
        "for i = 5, at - 1 do r.a[#r.a + 1] = ARGV[i] end\n"
        "local money, tokens = 0, 0\n"
        "for k = 0, tonumber(ARGV[at]) - 1 do\n"
        "  local i = at + 1 + 5 * k\n"
        "  local c = {tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4]}\n"
        "  r.c[#r.c + 1] = c\n"
        "  money, tokens = money + c[3], tokens + c[4]\n"
        "end\n"
        "add(r, money, tokens)\n"
        "keep(id, r)\n"
        "tick()\n"
        "redis.call('ZADD', P .. 'open', now, id)\n"
        "return {'done'}\n";

static const char joined[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                             "redis.call('HSET', P .. 'joined', ARGV[2], 1)\n"
                             "redis.call('EXPIRE', P .. 'joined', 86400)\n"
                             "return {'done'}\n";

static const char has_joined[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                                 "if redis.call('HEXISTS', P .. 'joined', ARGV[2]) == 1 then return {'done'} end\n"
                                 "return {'gone'}\n";

static const char booked[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                             "local r = message(ARGV[2])\n"
                             "if not r then return {'gone'} end\n"
                             "r.s = {tonumber(ARGV[3]), tonumber(ARGV[4])}\n"
                             "keep(ARGV[2], r)\n"
                             "return {'done'}\n";

static const char seed[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                           "load({ARGV[2]})\n"
                           "local a = accounts[ARGV[2]]\n"
                           "for i = 3, 11 do a[i] = tonumber(ARGV[i]) end\n"
                           "save({ARGV[2]})\n"
                           "return {'done'}\n";

static const char open_[] = "if gated('budget:rebuild') then return {'closed'} end\n"
                            "redis.call('SET', 'budget:generation', gate)\n"
                            "redis.call('DEL', 'budget:rebuild')\n"
                            "return {'done'}\n";

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
};
