"""A site's server beside the program that uses it: for the demo and for tests.

It runs in a process of its own, so that it and the program that reads from it
do not take turns. It ends when its standard input does: with the context, and
also when the program dies, on every operating system.
"""

import asyncio
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from shoestring_builder.serve.server import Address, Tls, serve
from shoestring_schema.errors import ShoestringError

DEADLINE = 30.0
"""Seconds until a server that does not end is made to."""


@dataclass(slots=True)
class BackgroundServer:
    """Context manager: a site, served on a free port of the loopback interface.

    Attributes:
        site: The site's folder.
        tls: As for `serve`.
        port: TCP port; 0 for any that is free.
        address: Where it is served, once it is.
    """

    site: Path
    tls: Tls = None
    port: int = 0
    address: Address = field(init=False, default=Address("", None))
    _process: "subprocess.Popen[str]" = field(init=False, repr=False)

    @property
    def url(self) -> str:
        """URL of the site's folder, without a slash at its end."""
        return self.address.url

    def __enter__(self) -> Self:
        tls = self.tls if isinstance(self.tls, str | None) else [str(file) for file in self.tls]
        order = json.dumps({"site": str(self.site.absolute()), "tls": tls, "port": self.port})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "shoestring_builder.serve.background", order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        news = json.loads(line) if line else {"error": "The server did not start."}
        if "error" in news:
            self._end()
            raise ShoestringError(news["error"])
        certificate = news["certificate"]
        self.address = Address(news["url"], Path(certificate) if certificate else None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=DEADLINE)  # closes its standard input
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _child(order: str) -> None:
    """Serve until standard input ends; tell the address, or what is wrong, in one line of JSON."""
    options = json.loads(order)
    tls = options["tls"]

    def tell(address: Address) -> None:
        certificate = str(address.certificate) if address.certificate else None
        print(json.dumps({"url": address.url, "certificate": certificate}), flush=True)

    async def input_ends() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def watch() -> None:
            sys.stdin.read()
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=watch, daemon=True).start()
        await ended.wait()

    try:
        serve(
            Path(options["site"]),
            port=options["port"],
            tls=(Path(tls[0]), Path(tls[1])) if isinstance(tls, list) else tls,
            ready=tell,
            stop=input_ends,
        )
    except ShoestringError as error:
        print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    _child(sys.argv[1])
