-- oldest: 1
-- What an agent is called for people stands on its card and in lists.

GRANT SELECT (name) ON agent_versions TO aiox_directory;
