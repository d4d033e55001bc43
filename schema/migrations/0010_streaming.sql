-- oldest: 1
-- Answers that people see grow.

ALTER TABLE agent_versions ADD COLUMN streaming boolean NOT NULL DEFAULT false;
-- 1: drafts of the answer may have been sent, which it replaces.
ALTER TABLE concluded ADD COLUMN streamed smallint NOT NULL DEFAULT 0;
