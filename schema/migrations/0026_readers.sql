-- oldest: 1
-- An agent that was given to somebody by another than its owner: what was written before that moment, and the prompt that was
-- in force, are not the new owner's to read.
ALTER TABLE agents ADD COLUMN read_from timestamptz; -- null: all of it
ALTER TABLE agent_versions ADD COLUMN prompt_hidden boolean NOT NULL DEFAULT false; -- a prompt from before, carried on
