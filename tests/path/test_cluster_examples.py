"""The examples of building on several machines run as they are."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shoestring_builder.build import build
from support.command import Ran
from support.dask_cluster import QUIET, DaskCluster
from support.mosaics import timeless, write_configuration, write_season

pytestmark = pytest.mark.once

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "cluster"

SBATCH = """#!/bin/sh
cp "$1" "$1.job"
setsid sh "$1.job" > /dev/null 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job in "$@"; do kill -- "-$job" 2> /dev/null; done
exit 0
"""

GATEWAY = """
import os
from contextlib import contextmanager
from distributed import Client

class Cluster:
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def adapt(self, minimum, maximum): pass
    def get_client(self, set_as_default=True):
        return Client(scheduler_file=os.environ["SCHEDULER"], set_as_default=set_as_default)

class Gateway:
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def new_cluster(self, shutdown_on_close): return Cluster()
"""
"""As much of Dask Gateway as the example asks for."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Sources; afterwards the site is the one that a single process makes."""
    one, many = tmp_path / "one", tmp_path / "many"
    write_configuration(write_season(one))
    shutil.copytree(one, many)  # as old as it: that stands in the items
    yield many
    build(one / "site.toml")
    assert timeless(many / "site") == timeless(one / "site")


def run(folder: Path, *command: str | Path, **environment: str) -> Ran:
    """Run an example; programs of ours and of a folder are found first."""
    places = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **QUIET, "PATH": os.pathsep.join(places), **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(os.name != "posix", reason="It is a script of the shell.")
def test_by_hand(project: Path) -> None:
    """`local.sh` starts a scheduler and workers, builds, and ends them."""
    ran = run(project, "sh", EXAMPLES / "local.sh", project / "site.toml")
    assert (ran.code, ran.out) == (0, "s2: 6 layers rendered, 0 kept\n")


@pytest.mark.skipif(os.name != "posix", reason="SLURM's commands are scripts of the shell here.")
def test_slurm(project: Path) -> None:
    """`slurm.py` submits jobs whose workers build, and ends them."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (project / name).write_text(text)
        (project / name).chmod(0o755)
    script = (EXAMPLES / "slurm.py").read_text()
    small = script.replace("cores=4", "cores=1").replace("processes=4", "processes=1")
    (project / "slurm.py").write_text(small.replace('memory="16GB"', 'memory="1GB"'))
    place = {"DASK_JOBQUEUE__SLURM__INTERFACE": "lo", "TMPDIR": str(project)}
    ran = run(project, sys.executable, project / "slurm.py", project / "site.toml", **place)
    assert (ran.code, ran.out) == (0, "s2: 6 layers rendered, 0 kept\n")


def test_gateway(project: Path) -> None:
    """`gateway.py` builds with the client that a gateway's cluster gives."""
    (project / "dask_gateway.py").write_text(GATEWAY)
    with DaskCluster(1) as cluster:
        more = {"PYTHONPATH": str(project), "SCHEDULER": str(cluster.file)}
        config = project / "site.toml"
        ran = run(project, sys.executable, EXAMPLES / "gateway.py", config, **more)
    assert (ran.code, ran.out) == (0, "s2: 6 layers rendered, 0 kept\n")
