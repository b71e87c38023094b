"""A line to a port of this machine that can be cut and restored.

with CutLine(port) as line:
    ... line.address ...
    line.cut()
    line.restore()
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 65536


class CutLine:
    """Context manager: what comes in at its port goes on to another, and back.

    Attributes:
        cuts: How often it has been cut.
    """

    def __init__(self, port: int) -> None:
        """Prepare a line to a port of the loopback interface."""
        self.cuts = 0
        self._port = port
        self._open = threading.Event()
        self._open.set()
        self._refusing = False
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._close_all()
        self._open.set()

    def cut(self, *, silently: bool) -> None:
        """Let nothing pass.

        Args:
            silently: Whether connections stay, and nothing comes; else they break, and new ones
                are refused.
        """
        self.cuts += 1
        if silently:
            self._open.clear()
        else:
            self._refusing = True
            self._close_all()

    def restore(self) -> None:
        """Let all pass again."""
        self._refusing = False
        self._open.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                if self._refusing:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                with self._lock:
                    self._ends |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._open.wait()
                target.sendall(data)
        self._close({source, target})

    def _close_all(self) -> None:
        with self._lock:
            ends = set(self._ends)
        self._close(ends)

    def _close(self, ends: set[socket.socket]) -> None:
        with self._lock:
            self._ends -= ends
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
