#!/usr/bin/env bash
# Test in N processes (of each machine): one per GPU, or on the CPU.
#   tools/dist_test.sh configs/linknet/sgdet.py sgdet.pth 3 --out preds.npz
# dist_launch.sh lists the environment variables that count.
set -euo pipefail
if (($# < 3)); then
    echo "usage: $0 CONFIG CHECKPOINT N [arguments of test.py]" >&2
    exit 2
fi
exec "$(dirname "${BASH_SOURCE[0]}")/dist_launch.sh" \
    test.py "$3" "$1" "$2" "${@:4}"
