"""Whether a folder lies on a disk that several machines share.

SQLite's write-ahead log needs memory that all who use a file have in common, so it can be used by
one machine only; its older journal needs locks, which such disks have.
"""

import os
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")

_SHARED = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "gpfs",
     "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs")
)  # fmt: skip


def is_shared(path: Path) -> bool:
    """Whether it does; False where the system does not tell."""
    try:
        mounts = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    return kind_of_disk(path.resolve(), mounts) in _SHARED


def kind_of_disk(path: Path, mounts: str) -> str:
    """The kind of the file system that a path lies on; the last mount of the longest path wins.

    Args:
        path: An absolute one.
        mounts: What Linux tells of all mounts in ``/proc/self/mountinfo``.
    """
    found, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if len(fields := before.split(" ")) > 4 and after:
            place = fields[4].encode("latin-1", "replace").decode("unicode_escape")
            if _lies_in(path, place) and len(place) >= len(found):
                found, kind = place, after.split(" ")[0]
    return kind


def _lies_in(path: Path, place: str) -> bool:
    return os.fspath(path).startswith(place.rstrip("/") + "/") or os.fspath(path) == place
