#!/bin/sh
# Builds a site as a job of SLURM:  sbatch cron/slurm.sh /srv/ghana/shoestring.toml
#
# Again every night, where the cluster has scrontab:
#   15 2 * * *  sbatch --dependency=singleton /srv/ghana/slurm.sh /srv/ghana/shoestring.toml
#
#SBATCH --job-name=shoestring
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=06:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=truncate
#SBATCH --output=shoestring.log

# A job that is pre-empted or out of time is put back into the queue, and goes on from there:
# layers that are finished are not made again.

set -u

if [ $# -eq 0 ]; then
    echo "Usage: sbatch slurm.sh CONFIG [OPTION…]" >&2
    exit 2
fi

# EDIT: where shoestring is installed, if it is not on the PATH of a job
SHOESTRING=${SHOESTRING:-shoestring}

# SLURM tells this shell, two minutes before the end; the shell tells the builder.
trap 'kill "$!" 2> /dev/null' TERM

"$SHOESTRING" build --log --workers "${SLURM_CPUS_PER_TASK:-1}" "$@" &
wait "$!"
code=$?
while kill -0 "$!" 2> /dev/null; do  # a trap ends the first wait
    wait "$!"
    code=$?
done

case $code in
    75) exit 0 ;;  # another run is at work
    71|143) # a worker that died, or out of time: once more, if this is a job of its own
        if [ -n "${SLURM_JOB_ID:-}" ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; then
            scontrol requeue "$SLURM_JOB_ID" && exit 0
        fi ;;
esac
exit "$code"
