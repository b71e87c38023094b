#!/bin/sh
# Builds the site of a configuration with a scheduler and two workers:
#
#     sh local.sh CONFIG
#
# Workers on other machines are started by ssh, or by whatever starts programs there:
#
#     dask scheduler --port 8786 &
#     ssh node1 dask worker tcp://$(hostname):8786 --nworkers auto --nthreads 1 &
#     ssh node2 dask worker tcp://$(hostname):8786 --nworkers auto --nthreads 1 &
#     shoestring build CONFIG --scheduler tcp://$(hostname):8786
set -eu

folder=$(mktemp -d)
started=
trap 'kill $started; rm -rf "$folder"' EXIT

file=$folder/scheduler.json
dask scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file "$file" &
started=$!
dask worker --scheduler-file "$file" --nworkers 2 --nthreads 1 --no-dashboard \
    --local-directory "$folder" &
started="$! $started"
until [ -s "$file" ]; do sleep 0.1; done

shoestring build "$1" --scheduler "$file"
