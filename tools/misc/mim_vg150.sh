#!/usr/bin/env bash
# What `mim download mmsgg --dataset vg150` runs once OpenDataLab's command has
# fetched the images: unpacks them, and fetches and checks the annotation.
set -euo pipefail

if (($# != 2)); then
    echo "usage: $0 DOWNLOAD_ROOT DATA_ROOT" >&2
    exit 2
fi
download_root=$1
data_root=$2

mkdir -p "$data_root"
find "$download_root" -name 'images*.zip' -print0 |
    while IFS= read -r -d '' archive; do
        unzip -n -q "$archive" -d "$data_root"
    done
exec "${PYTHON:-python}" "$(dirname "${BASH_SOURCE[0]}")/download_dataset.py" \
    --dataset vg150 --data-root "$data_root" --no-images
