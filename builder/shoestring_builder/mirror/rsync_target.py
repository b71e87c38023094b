"""A copy on another machine, through rsync: over SSH, or from an rsync server.

rsync writes beside and renames, so a name stands for a whole file there too. What must travel is
ours to say and not rsync's: it gets lists of names.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path, PurePosixPath

from shoestring_builder.media import is_hashed
from shoestring_builder.mirror.patience import persist
from shoestring_builder.mirror.target import Outgoing, Sent, Stored
from shoestring_schema.errors import PublishError, TransferError

_LINE = re.compile(r"-\S+\s+([0-9]+)\s+([0-9/]{10} [0-9:]{8}) (.*)", re.DOTALL)
_ESCAPED = re.compile(rb"\\#([0-7]{3})")
_PASSING = (10, 12, 30, 35, 255)  # the line, or SSH, which does not say more; see rsync(1)
_NO_START = re.compile(r"didn't get server startup line|did not see server greeting")
"""Cut at once. The code of it, 5, is that of wrong names as well."""
_NOT_THERE = (3, 23)  # what its message tells apart
_NO_FOLDER = re.compile(r"(change_dir|link_stat|chdir).* failed: .*\(2\)")
_WILD = re.compile(r"[*?\[]")
_BATCH = 10_000  # files that one run of rsync sends: what a cut line makes it look at again


class RsyncTarget:
    """A folder on another machine.

    Which key, port or user, SSH's own configuration tells, or `RSYNC_RSH`.

    Args:
        address: ``user@host:/path`` or ``rsync://host/module/path``.

    Raises:
        PublishError: rsync is not installed.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/") + "/"
        program = shutil.which("rsync")
        if program is None:
            raise PublishError(
                f"{address} needs the program rsync, here and there: install it, and try again."
            )
        self._program = program

    def listing(self) -> dict[str, Stored]:
        """See `Target`."""
        out = self._run(["--recursive", "--list-only", "--no-human-readable", "--8-bit-output",
                         "--exclude=/.*", self._address], missing=b"")  # fmt: skip
        found = (_LINE.fullmatch(line) for line in os.fsdecode(out).split("\n"))
        return {
            _unescaped(line[3]): Stored(int(line[1]), _seconds(line[2])) for line in found if line
        }

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """See `Target`."""
        with _scratch() as folder:
            if names:
                # Not --files-from: rsync 3.5 can't read by that from a server's subfolder.
                arguments = ["--recursive", "--from0", "--include-from=-", "--exclude=*"]
                self._run([*arguments, self._address, f"{folder}/"], _filters(names), missing=b"")
            paths = {name: folder / name for name in names}
            return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}

    def send(self, files: Sequence[Outgoing], sent: Sent) -> None:
        """See `Target`."""
        for hashed, group in groupby(files, key=lambda file: is_hashed(file.name)):
            own = list(group)
            for start in range(0, len(own), _BATCH):
                self._send(own[start : start + _BATCH], hashed=hashed)
                for file in own[start : start + _BATCH]:
                    sent(file)

    def show(self, pointers: Mapping[str, bytes]) -> None:
        """See `Target`."""
        if not pointers:
            return
        with _scratch() as folder:
            for name, data in pointers.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            self._copy(folder, pointers, "--ignore-times")

    def remove(self, names: Sequence[str]) -> None:
        """See `Target`."""
        for _, group in groupby(names, key=_rank):  # rsync has an order of its own
            with _scratch() as empty:
                own = list(group)
                for name in own:
                    (empty / name).parent.mkdir(parents=True, exist_ok=True)
                self._copy(empty, own, "--delete-missing-args")

    def _send(self, files: Sequence[Outgoing], *, hashed: bool) -> None:
        """Send files of one site; those that are there in their size, by an earlier try, stay."""
        first = files[0]
        root = first.path.parents[len(PurePosixPath(first.name).parts) - 1]
        how = "--size-only" if hashed else "--ignore-times"
        self._copy(root, [file.name for file in files], how)

    def _copy(self, root: Path, names: Iterable[str], how: str) -> None:
        # No --times: the clean-up counts from when a file came there.
        self._run(["--files-from=-", "--from0", "--copy-links", "--whole-file", how, f"{root}/",
                   self._address], names)  # fmt: skip

    def _run(
        self, arguments: list[str], names: Iterable[str] = (), *, missing: bytes | None = None
    ) -> bytes:
        """Run rsync, again where a line was cut.

        Args:
            arguments: What to do.
            names: What it reads from its standard input.
            missing: What to return where there is no such folder yet; without it, that is an error.
        """
        data = b"".join(os.fsencode(name) + b"\0" for name in names)
        return persist(lambda: self._once(arguments, data, missing))

    def _once(self, arguments: list[str], data: bytes, missing: bytes | None) -> bytes:
        command = [self._program, "--timeout=300", *arguments]
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(command, input=data, capture_output=True, env=environment, check=False)  # fmt: skip
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode(errors="replace").strip()
        if missing is not None and done.returncode in _NOT_THERE and _NO_FOLDER.search(said):
            return missing
        raise TransferError(
            f"{self._address} can't be reached or written by rsync ({_reason(said)}): check the "
            "address, the key and the rights there, and publish again: what is there already stays.",
            passing=done.returncode in _PASSING or _NO_START.search(said) is not None,
        )


def _filters(names: Iterable[str]) -> list[str]:
    """The patterns that let just these files pass, and the folders around them."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split("/")
        found |= dict.fromkeys("/" + "/".join(parts[:end]) + "/" for end in range(1, len(parts)))
        found[f"/{name}"] = None
    return [_WILD.sub(r"\\\g<0>", own) if _WILD.search(own) else own for own in found]


def _reason(said: str) -> str:
    """The line of what rsync, or SSH before it, says that tells most: the first."""
    return (said.splitlines() or ["it said nothing"])[0].rstrip(".:")[:300]


def _rank(name: str) -> int:
    """What leads to others goes before them: see `clean_up.select`, which has put them in order."""
    return min(name.count("/"), 2)


def _unescaped(name: str) -> str:
    r"""A name as it is: rsync writes ``\#012`` for what can't be shown."""
    return os.fsdecode(_ESCAPED.sub(lambda own: bytes([int(own[1], 8)]), os.fsencode(name)))


def _seconds(time: str) -> float:
    return datetime.strptime(time, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shoestring-") as folder:
        yield Path(folder)
