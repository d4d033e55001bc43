#!/usr/bin/env bash
# Plays answers.py beside a lab whose hub asks the scripted model.
set -euo pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TESTS

play() {
        exec "$TESTS/lab/with-lab" --set "openai_url=$MODEL_SERVER_URL" -- "$TESTS/e2e/answers.py"
}
export -f play
exec "$TESTS/lab/model-server" --run bash -c play
