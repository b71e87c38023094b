"""The peers: what each needs, and the environments that they run in.

Each is installed from its own latest release, into an environment of this
Python or of the newest one on the machine, when it is first measured.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cases import CaseError, Job, Numbers, cold, last_line

HERE = Path(__file__).parent
WORK = HERE / ".work"

_DUCKDB = "1.5.5"
"""The DuckDB that rustac 0.9.17 holds, which is the last whose extensions PyPI has."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool to compare with, at one setting.

    Attributes:
        name: In the table.
        script: In `peers/`.
        requirements: For pip; the first is the tool itself.
        arguments: Of the script.
        newest: It wants a newer Python than ours must run on.
        prepares: It reads an index of its own, which is built beforehand.
    """

    name: str
    script: str
    requirements: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    newest: bool = False
    prepares: bool = False

    def run(self, job: Job) -> Numbers:
        """Measure it in a cold process.

        Raises:
            CaseError: It could not be installed, or failed.
        """
        return cold([self._installed(), self._path, *self.arguments], job)

    def prepare(self, job: Job) -> Numbers:
        """Build its index, where it wants one."""
        return cold([self._installed(), self._path, "prepare"], job) if self.prepares else {}

    def version(self) -> str:
        """The version of the tool that is installed."""
        name = self.requirements[0]
        code = f"from importlib.metadata import version; print(version({name!r}))"
        return _said([self._installed(), "-c", code])

    @property
    def _path(self) -> Path:
        return HERE / "peers" / self.script

    def _installed(self) -> Path:
        home = _environment(newest=self.newest)
        mark = home / f"{self.requirements[0]}.installed"
        wanted = "\n".join(self.requirements)
        if not mark.exists() or mark.read_text() != wanted:
            pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet"]
            _said([*pip, *self.requirements])
            mark.write_text(wanted)
        return home / "bin" / "python"


PEERS = (
    Peer("odc-stac", "odc_stac.py", ("odc-stac",)),
    Peer("stackstac", "stackstac_dask.py", ("stackstac",)),
    Peer("rioxarray", "rioxarray_threads.py", ("rioxarray",)),
    Peer("async-geotiff", "async_geotiff_obstore.py", ("async-geotiff", "obstore")),
    Peer("async-geotiff, gap 8 KiB", "async_geotiff_obstore.py", ("async-geotiff", "obstore"), ("8192",)),
    Peer("rasterio /vsicurl", "rasterio_threads.py", ("rasterio",)),
    Peer("rasterio /vsis3", "rasterio_threads.py", ("rasterio",), ("vsis3",)),
    Peer("rasteret", "rasteret_index.py", ("rasteret",), newest=True, prepares=True),
    Peer(
        "lazycogs",
        "lazycogs_parquet.py",
        (
            "lazycogs",
            "rustac==0.9.17",
            *(f"duckdb-extension-{name}=={_DUCKDB}" for name in ("httpfs", "icu", "parquet", "spatial")),
        ),
        newest=True,
        prepares=True,
    ),
)  # fmt: skip

TODAY = PEERS[0]
"""What a user would take today, over files as most archives have them."""


def _environment(*, newest: bool) -> Path:
    """A virtual environment for peers; made where it is not there yet."""
    python = _newest() if newest else sys.executable
    version = _said([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    home = WORK / f"peers-{version}"
    if not (home / "bin" / "python").exists():
        _said([python, "-m", "venv", home])
    return home


def _newest() -> str:
    found = _said([sys.executable, HERE.parent / "tools" / "newest_python.py"])
    if not found:
        raise CaseError("needs a newer Python than there is on this machine")
    return found


def _said(command: Sequence[str | Path]) -> str:
    """What a command prints.

    Raises:
        CaseError: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CaseError(last_line(done.stderr))
    return done.stdout.strip()
