#!/usr/bin/env bash
# Plays answers.py, or the script of this folder that is named, beside a lab whose hub asks the scripted model.
set -euo pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=${1:-answers.py}
export TESTS SCRIPT

play() {
        exec "$TESTS/lab/with-lab" --set "openai_url=$MODEL_SERVER_URL" -- "$TESTS/e2e/$SCRIPT"
}
export -f play
exec "$TESTS/lab/model-server" --run bash -c play
