#!/usr/bin/env bash
# Plays answers.py beside a lab whose hub asks the scripted model.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2016 # the URL is known inside
exec "$tests/lab/model-server" --run bash -c 'exec "$0/lab/with-lab" --set "openai_url=$MODEL_SERVER_URL" -- "$0/e2e/answers.py"' \
        "$tests"
