"""A small web server for a laptop: a site as it will be on a real one.

Hypercorn, because it speaks HTTP/2 and is Python alone. Ranges of 65 kB over
one connection, on two cores: hypercorn 1000 a second (67 MB), granian with the
same application 1900, uvicorn 1400 but without HTTP/2, nginx 8700. It is enough
for a laptop's network; who needs more takes a real server.
"""

import asyncio
import logging
import os
import socket
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shoestring_schema.document import decode
from shoestring_schema.errors import CatalogueError, ConfigError, MissingExtraError
from shoestring_schema.site import CatalogDocument

if TYPE_CHECKING:
    from hypercorn.config import Config

Tls = Literal["self-signed"] | tuple[Path, Path] | None
"""No TLS; a certificate made on the spot; or the PEM files of a certificate and its key."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a site is served.

    Attributes:
        url: Of the folder, without a slash at its end: ``https://127.0.0.1:8000``.
        certificate: What a client must trust, where the certificate was made on the spot.
    """

    url: str
    certificate: Path | None

    @property
    def catalogue(self) -> str:
        """URL of the catalogue."""
        return f"{self.url}/catalog.json"


def serve(
    site: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    tls: Tls = None,
    ready: Callable[[Address], None] | None = None,
    stop: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve a site until the process is told to end (Ctrl-C, SIGTERM).

    Args:
        site: The site's folder.
        host: Name or address to listen at; the default can be reached from this machine only.
        port: TCP port; 0 for any that is free.
        tls: See `Tls`. HTTP/2 needs TLS, as in browsers and in GDAL.
        ready: Called once the server listens.
        stop: Awaited instead of signals: the server ends when it returns.

    Raises:
        CatalogueError: The folder is not a site.
        ConfigError: The host, port or certificate can't be used.
        MissingExtraError: The packages of the extra ``serve`` are not installed.
    """
    read_catalogue(site)
    with _listener(host, port) as listener, _certificate(tls, host) as files:
        config = _configuration(listener, files)
        real_port = listener.getsockname()[1]
        made = files[0] if files and tls == "self-signed" else None
        address = Address(f"{'https' if files else 'http'}://{_called(host)}:{real_port}", made)
        if ready is not None:
            ready(address)
        try:
            asyncio.run(_run(site, config, stop))
        except KeyboardInterrupt:  # on systems where signals can't be waited for
            return


def read_catalogue(site: Path) -> CatalogDocument:
    """The catalogue of a folder that should be a site.

    Raises:
        CatalogueError: There is none, or it is not what the contract says.
    """
    path = site / "catalog.json"
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CatalogueError(
            f"{site} is not a site: it has no catalog.json. Name the folder that "
            "`shoestring build` wrote."
        ) from None
    except OSError as error:
        raise CatalogueError(f"{path} can't be read: {error.strerror}.") from None
    return decode(data, CatalogDocument, str(path))


async def _run(site: Path, config: "Config", stop: Callable[[], Awaitable[None]] | None) -> None:
    import hypercorn.asyncio

    from shoestring_builder.serve.app import site_app

    asyncio.get_running_loop().set_exception_handler(_report)
    logging.getLogger("asyncio").addFilter(_is_worth_telling)
    # Hypercorn wants its own type of application, which Starlette's is in all but name.
    app: Any = site_app(site)
    await hypercorn.asyncio.serve(app, config, shutdown_trigger=stop)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Be quiet about clients that hang up or do not trust us; that is their matter."""
    if not isinstance(context.get("exception"), ssl.SSLError | ConnectionError):
        loop.default_exception_handler(context)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Not that a client hung up while something was sent to it."""
    return record.getMessage() != "socket.send() raised exception."


def _configuration(listener: socket.socket, files: tuple[Path, Path] | None) -> "Config":
    try:
        import cryptography  # noqa: F401
        import starlette  # noqa: F401
        from hypercorn.config import Config, Sockets
    except ModuleNotFoundError:
        raise MissingExtraError("shoestring serve", "serve") from None

    class ListeningConfig(Config):
        """Takes a socket that listens already: its port is known, also where any will do."""

        def create_sockets(self) -> Sockets:
            return Sockets([listener], [], []) if files else Sockets([], [listener], [])

    config = ListeningConfig()
    if files:
        config.certfile, config.keyfile = map(os.fspath, files)
        _check_certificate(files)
    config.errorlog = None
    # One reader makes thousands of requests over a connection that it keeps.
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = sys.maxsize
    config.h2_max_concurrent_streams = 256
    config.graceful_timeout = 1
    return config


def _check_certificate(files: tuple[Path, Path]) -> None:
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{file} is not there: name PEM files of a certificate and its key.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files, password="")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ConfigError(
            f"{files[0]} and {files[1]} are not a certificate and its unencrypted key in PEM "
            f"format: {error}."
        ) from None


@contextmanager
def _certificate(tls: Tls, host: str) -> Iterator[tuple[Path, Path] | None]:
    if tls != "self-signed":
        yield tls
        return
    try:
        from shoestring_builder.serve.certificate import make_certificate
    except ModuleNotFoundError:
        raise MissingExtraError("shoestring serve", "serve") from None
    with tempfile.TemporaryDirectory(prefix="shoestring-tls-", ignore_cleanup_errors=True) as name:
        files = make_certificate(Path(name), host)
        yield files.certificate, files.key


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens; the sentence of what is in the way, else."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError, OverflowError):
        raise ConfigError(f"{host!r} is not a name or address of this machine.") from None
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":  # there, SO_REUSEADDR would take the port from its owner
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(100)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"Port {port} of {host} can't be listened at ({reason}): choose another with --port."
        ) from None
    return listener


def _called(host: str) -> str:
    """The host as part of a URL: one that listens everywhere is called by its name."""
    name = socket.gethostname() if host in ("", "0.0.0.0", "::") else host
    return f"[{name}]" if ":" in name else name
