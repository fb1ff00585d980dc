#!/usr/bin/env bash
# Train under Slurm, a process a GPU.
#   GPUS=16 tools/slurm_train.sh PARTITION NAME configs/linknet/sgdet.py
# slurm_launch.sh lists the environment variables that count.
set -euo pipefail
if (($# < 3)); then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [arguments of train.py]" >&2
    exit 2
fi
exec "$(dirname "${BASH_SOURCE[0]}")/slurm_launch.sh" \
    "$1" "$2" train.py "${@:3}"
