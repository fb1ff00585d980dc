#!/usr/bin/env bash
# dist_launch.sh SCRIPT N ARGS...: run a script of this folder in N processes.
# dist_train.sh and dist_test.sh call it. From the environment:
#   NNODES, NODE_RANK, MASTER_ADDR, PORT   for runs over several machines
#   PYTHON            the Python to use; without it, and outside a virtual
#                     environment, .venv of this repository if there is one
#   OMP_NUM_THREADS   threads of a process; by default cores / N
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
script=$1
processes=$2
shift 2
if ! [[ $processes =~ ^[1-9][0-9]*$ ]]; then
    echo "the number of processes must be 1 or more, not '$processes'" >&2
    exit 2
fi

if [[ -z ${PYTHON:-} ]]; then
    PYTHON=python
    if [[ -z ${VIRTUAL_ENV:-} && ${CONDA_DEFAULT_ENV:-base} == base &&
        -x $tools/../.venv/bin/python ]]; then
        PYTHON=$tools/../.venv/bin/python
    fi
fi

if [[ -z ${PORT:-} ]]; then
    PORT=29500
    if ((${NNODES:-1} == 1)); then
        # a free one, so that two runs on this machine do not meet
        PORT=$("$PYTHON" -c 'import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1])')
    fi
fi

threads=$(($(getconf _NPROCESSORS_ONLN) / processes))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((threads > 1 ? threads : 1))}
export PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="$PORT" \
    --nproc_per_node="$processes" \
    "$tools/$script" "$@" --launcher pytorch
