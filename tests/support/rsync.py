"""Real rsync: a server of its own, or behind a real SSH server; and a line that is cut."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from support.server import listens, wait_for
from support.tools import free_port, require_tool

MODULE = "sites"

_RSYNCD = """\
use chroot = no
max connections = 0
pid file = {folder}/rsyncd.pid
log file = {folder}/rsyncd.log
[{module}]
path = {root}
read only = no
uid = {uid}
gid = {gid}
"""

_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
"""


@contextmanager
def rsync_server(root: Path, folder: Path) -> Iterator[int]:
    """Start ``rsync --daemon`` over a folder.

    Args:
        root: What the module ``sites`` is.
        folder: For its own files.

    Yields:
        The port on which it listens.
    """
    program, port = require_tool("rsync"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "rsyncd.conf"
    config.write_text(
        _RSYNCD.format(folder=folder, module=MODULE, root=root, uid=os.getuid(), gid=os.getgid())
    )
    with _program([program, "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}",
                   f"--config={config}"], port):  # fmt: skip
        yield port


@contextmanager
def ssh_server(folder: Path) -> Iterator[str]:
    """Start a real sshd that lets this user in by a key.

    Args:
        folder: For its own files.

    Yields:
        What `RSYNC_RSH` must be.
    """
    program, port = require_tool("sshd"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host", "key"):
        command = [require_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True)
    config = folder / "sshd_config"
    config.write_text(_SSHD.format(port=port, folder=folder))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it insists on having it
    with _program([program, "-D", "-e", "-f", str(config)], port):
        yield (
            f"ssh -p {port} -i {folder / 'key'} -o BatchMode=yes -o StrictHostKeyChecking=no "
            f"-o UserKnownHostsFile={folder / 'known'} -o LogLevel=ERROR"
        )


@contextmanager
def _program(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(lambda: process.poll() is not None or listens(port))
            yield
        finally:
            process.terminate()


Watch = Callable[[int], bool]
"""Called with the number of bytes that have passed, in both directions; True cuts the line."""


class CutLine:
    """Context manager: a way to a TCP port of this machine, which can be cut.

    Attributes:
        passed: Bytes until now, over all connections.
        watch: Whether to cut the connection that a piece comes over.
    """

    def __init__(self, port: int, watch: Watch | None = None) -> None:
        """Prepare a line to a port of the loopback interface."""
        self.passed = 0
        self.watch: Watch = watch or (lambda passed: False)
        self._onward = port
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._main = threading.Thread(target=self._accept)
        self._main.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._main.join()
        self.hang_up()
        for thread in self._threads:
            thread.join()

    def hang_up(self) -> None:
        """Cut all connections, as when the machine at one end dies."""
        for end in list(self._sockets):
            _close(end)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._onward))
            self._sockets += [near, far]
            for ends in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=ends)
                self._threads.append(thread)
                thread.start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := near.recv(4096):
                with self._lock:
                    self.passed += len(piece)
                    cut = self.watch(self.passed)
                if cut:
                    far.sendall(piece[: len(piece) // 2])
                    _close(near)
                    break
                far.sendall(piece)
            else:
                far.shutdown(socket.SHUT_WR)
                return
        _close(near)
        _close(far)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
