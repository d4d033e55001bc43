-- Leases, heartbeats, estates and marks, as the hub thread writes and reads them.

-- name: lease_end_sessions
-- role: journal
-- Ends the session of whoever holds hub $1 (at epoch $2, or of process $3, when not null), and waits for it to be gone.
SELECT count(pg_terminate_backend(s.pid, 2000))
FROM leases l JOIN pg_stat_activity s ON s.pid = l.backend_pid AND s.backend_start = l.backend_start
WHERE l.hub = $1 AND ($2::bigint IS NULL OR l.epoch = $2) AND ($3::uuid IS NULL OR l.process = $3)
  AND s.pid <> pg_backend_pid();

-- name: lease_raise
-- role: journal
-- No row: with $4, another process has started under this name.
INSERT INTO leases AS l (number, hub, epoch, process, domains, backend_pid, backend_start)
SELECT coalesce(max(number), 0) + 1, $1, 1, $2, $3, pg_backend_pid(),
       (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
FROM leases
ON CONFLICT (hub) DO UPDATE
SET epoch = l.epoch + 1, process = excluded.process, domains = excluded.domains, released = false, has_open = false,
    backend_pid = excluded.backend_pid, backend_start = excluded.backend_start
WHERE NOT $4::boolean OR l.process = excluded.process
RETURNING number, epoch;

-- name: lease_attach
-- role: journal
-- After a reconnect: this session is the one to end when the epoch is taken.
UPDATE leases SET backend_pid = pg_backend_pid(),
                  backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE number = $1 AND epoch = $2;

-- name: lease_lower_water
-- role: journal
-- Makes the heartbeat's row. $3: the lowest id this hub may make from now on, should its clock have gone back.
INSERT INTO heartbeats (hub, low_water)
SELECT number, $3 FROM leases WHERE hub = $1 AND process = $2
ON CONFLICT (hub) DO UPDATE SET low_water = least(heartbeats.low_water, excluded.low_water);

-- name: lease_beat
-- role: journal
UPDATE heartbeats SET beats = beats + 1, low_water = coalesce($2, low_water) WHERE hub = $1;

-- name: lease_list
-- role: journal
SELECT l.hub, l.epoch, coalesce(h.beats, 0), l.domains, l.released, l.has_open
FROM leases l LEFT JOIN heartbeats h ON h.hub = l.number ORDER BY l.number;

-- name: lease_mark
-- role: journal
INSERT INTO delivered_marks (holder, hub, domain, sequence)
SELECT $1, l.number, g.domain, g.sequence
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS g(hub, domain, sequence) JOIN leases l ON l.hub = g.hub
ON CONFLICT (holder, hub, domain) DO UPDATE SET sequence = excluded.sequence
WHERE delivered_marks.sequence <> excluded.sequence;

-- name: lease_marks
-- role: journal
-- All that hub $1 holds, or with $2 those of the hubs whose estates it took when it ended epoch $3 of hub $2.
SELECT l.hub, m.domain, m.sequence FROM delivered_marks m JOIN leases l ON l.number = m.hub
WHERE m.holder = $1 AND ($2::smallint IS NULL OR EXISTS (
        SELECT FROM estates e
        WHERE e.hub = m.hub AND e.heir = $1 AND e.taken_from = $2 AND e.taken_epoch = $3::bigint))
ORDER BY m.hub, m.domain;

-- name: lease_take
-- role: journal
-- Hub $1 ends epoch $3 of hub $2 and becomes its heir, in one statement, so that nothing of it happens when somebody was
-- faster. A part that another part makes or removes is not seen by it: each works on what was there before.
-- Where hub $1 is heir of the same hub already, there are two marks and room for one. Each was about other answers: the one
-- that stays is just before the first answer that either of them leaves out, or the later one if there is none.
WITH taken AS (
        UPDATE leases SET epoch = epoch + 1, released = true, has_open = false, backend_pid = NULL, backend_start = NULL
        WHERE hub = $2 AND epoch = $3 AND number <> $1
        RETURNING number, $3::bigint AS epoch
), passed_on AS (
        UPDATE estates e SET heir = $1, taken_from = taken.number, taken_epoch = taken.epoch
        FROM taken WHERE e.heir = taken.number
), inherited AS (
        INSERT INTO estates (hub, up_to_epoch, heir, taken_from, taken_epoch)
        SELECT number, epoch, $1, number, epoch FROM taken
), marks AS (
        INSERT INTO delivered_marks (holder, hub, domain, sequence)
        SELECT $1, m.hub, m.domain, coalesce(missing.sequence - 1, greatest(m.sequence, held.sequence))
        FROM taken JOIN delivered_marks m ON m.holder = taken.number
        LEFT JOIN delivered_marks held ON held.holder = $1 AND held.hub = m.hub AND held.domain = m.domain
        LEFT JOIN LATERAL (
                SELECT c.sequence
                FROM (VALUES (m.holder, m.sequence), (held.holder, held.sequence)) AS mark (holder, sequence),
                     -- Beyond the last of its estates nothing of a hub is its heir's: what that has written since is not read.
                     LATERAL (SELECT CASE WHEN mark.holder = m.hub THEN 9223372036854775807
                                          ELSE (max(e.up_to_epoch) << 40) + 1099511627775 END AS up_to
                              FROM estates e WHERE e.hub = m.hub AND e.heir = mark.holder) AS its,
                     LATERAL (SELECT c.sequence FROM concluded c
                              WHERE c.hub = m.hub AND c.sequence > mark.sequence AND c.sequence <= its.up_to
                                AND lease_holder(c.hub, c.sequence >> 40) = mark.holder
                              ORDER BY c.sequence LIMIT 1) AS c
                ORDER BY c.sequence LIMIT 1
        ) AS missing ON held.holder IS NOT NULL
        ON CONFLICT (holder, hub, domain) DO UPDATE SET sequence = excluded.sequence
), moved AS (
        DELETE FROM delivered_marks m USING taken WHERE m.holder = taken.number AND m.hub <> taken.number
), lowered AS (
        UPDATE heartbeats h SET low_water = least(h.low_water, other.low_water)
        FROM taken JOIN heartbeats other ON other.hub = taken.number WHERE h.hub = $1
), operations AS (
        UPDATE operation_log o SET hub = $1 FROM taken WHERE o.hub = taken.number AND NOT o.chained
)
SELECT number FROM taken;

-- name: lease_taken
-- role: journal
-- Whether hub $1 took epoch $3 of hub $2 earlier, and the reply was lost.
SELECT l.number FROM leases l JOIN estates e ON e.hub = l.number AND e.up_to_epoch = $3
WHERE l.hub = $2 AND l.released AND e.heir = $1 AND e.taken_from = l.number AND e.taken_epoch = $3;

-- name: lease_release
-- role: journal
-- $2: answers are left unsent.
UPDATE leases SET released = true, has_open = $2::boolean OR EXISTS (
        SELECT FROM accepted a LEFT JOIN concluded c ON c.id = a.id
        WHERE a.id >= (SELECT low_water FROM heartbeats WHERE hub = $1) AND c.id IS NULL
          AND lease_holder(a.hub, a.sequence >> 40) = $1)
WHERE number = $1;
