#!/usr/bin/env bash
# Test under Slurm, a process a GPU.
#   tools/slurm_test.sh PARTITION NAME configs/linknet/sgdet.py sgdet.pth
# slurm_launch.sh lists the environment variables that count.
set -euo pipefail
if (($# < 4)); then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT" \
        '[arguments of test.py]' >&2
    exit 2
fi
exec "$(dirname "${BASH_SOURCE[0]}")/slurm_launch.sh" \
    "$1" "$2" test.py "${@:3}"
