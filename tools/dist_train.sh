#!/usr/bin/env bash
# Train in N processes (of each machine): one per GPU, or on the CPU.
#   tools/dist_train.sh configs/linknet/sgdet.py 3 --auto-scale-lr
# dist_launch.sh lists the environment variables that count.
set -euo pipefail
if (($# < 2)); then
    echo "usage: $0 CONFIG N [arguments of train.py]" >&2
    exit 2
fi
exec "$(dirname "${BASH_SOURCE[0]}")/dist_launch.sh" train.py "$2" "$1" "${@:3}"
