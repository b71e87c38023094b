"""How a client behaves towards servers and the machine that it runs on."""

import os
from dataclasses import dataclass
from typing import Literal

from shoestring_schema.errors import SelectionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of `shoestring.open` and `shoestring.connect`.

    Attributes:
        connections: Requests in flight at once. Measured over slow links (benchmarks/): with
            16, a line of 150 ms is not full; more than 32 are no faster. Where GDAL reads,
            half as many threads do, as each has several requests of its own in flight.
        timeout: Seconds to wait for a connection, and for the next bytes.
        retries: How often a request is tried again when the reason may pass.
        retry_delay: Seconds before the first new try; doubled for each further one.
        ca_bundle: PEM file of certificate authorities to trust instead of the usual
            ones; by default the file that ``SSL_CERT_FILE`` names, if any.
        cache_size: Bytes that a cache may have; by default what ``SHOESTRING_CACHE_SIZE`` says,
            else 2 GB.
        max_result: Bytes. A larger result is refused before anything is read.
        reader: ``auto`` fetches the blocks that a tile index tells, and lets GDAL open what
            has none; ``vsicurl`` lets GDAL open everything. The pixels are the same.
    """

    connections: int = 32
    timeout: float = 30.0
    retries: int = 4
    retry_delay: float = 0.5
    ca_bundle: str | os.PathLike[str] | None = None
    max_result: int = 8 * 2**30
    reader: Literal["auto", "vsicurl"] = "auto"
    cache_size: int | None = None

    def __post_init__(self) -> None:
        for name, least in (
            ("connections", 1),
            ("retries", 0),
            ("retry_delay", 0),
            ("max_result", 1),
        ):
            if getattr(self, name) < least:
                raise SelectionError(
                    f"Options.{name} must be at least {least}, got {getattr(self, name)}."
                )
        if self.cache_size is not None and self.cache_size < 1:
            raise SelectionError(f"Options.cache_size must be at least 1, got {self.cache_size}.")
        if self.reader not in ("auto", "vsicurl"):
            raise SelectionError(
                f'Options.reader must be "auto" or "vsicurl", got {self.reader!r}.'
            )
        if not self.timeout > 0:
            raise SelectionError(f"Options.timeout must be positive, got {self.timeout}.")

    @property
    def trusted(self) -> str | None:
        """The PEM file to trust, or None for the usual authorities."""
        if self.ca_bundle is not None:
            return os.fspath(self.ca_bundle)
        return os.environ.get("SSL_CERT_FILE") or None
