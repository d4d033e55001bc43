-- What `aiox doctor` asks of the database.

-- name: doctor_facts
-- role: platform
-- Version, pgvector's version or null, and the clock.
SELECT current_setting('server_version_num')::integer,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector'), clock_timestamp();
