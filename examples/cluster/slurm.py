"""Build a site with workers that SLURM starts.

    pip install "shoestring[builder,dask]" dask-jobqueue
    python slurm.py CONFIG

Run it where jobs are submitted, in the environment that the jobs use too: by cron or from a job
of its own. Edit what your SLURM wants; all of it can also stand in ``~/.config/dask/jobqueue.yaml``.
"""

import sys
from pathlib import Path

from dask_jobqueue import SLURMCluster
from distributed import Client

from shoestring_builder.build import build


def main(config: Path) -> int:
    """Build, and tell what was done."""
    cluster = SLURMCluster(
        cores=4,
        processes=4,  # one thread each
        memory="16GB",
        walltime="02:00:00",
        # queue="compute", account="monitoring",
        worker_extra_args=[
            "--lifetime",
            "110m",
            "--lifetime-stagger",
            "5m",
        ],  # end before SLURM ends it
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum_jobs=0, maximum_jobs=20)  # no job on a night without news
        report = build(config, scheduler=client)
    print(*report.collections, sep="\n")
    for sentence in (*report.left, *report.failed):
        print(sentence, file=sys.stderr)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
