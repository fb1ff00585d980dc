#!/usr/bin/env bash
# slurm_launch.sh PARTITION JOB_NAME SCRIPT ARGS...: run a script of this
# folder under Slurm. slurm_train.sh and slurm_test.sh call it. From the
# environment:
#   GPUS, GPUS_PER_NODE, CPUS_PER_TASK   processes, of each machine, and cores
#                                        of each (default: 8, 8 and 5)
#   SRUN_ARGS         more arguments of srun
#   PYTHON            the Python to use (default: python)
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
partition=$1
job_name=$2
script=$3
shift 3
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}

export PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH}
# shellcheck disable=SC2086  # several words
exec srun --partition="$partition" \
    --job-name="$job_name" \
    --gres="gpu:$per_node" \
    --ntasks="$gpus" \
    --ntasks-per-node="$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$tools/$script" "$@" --launcher slurm
