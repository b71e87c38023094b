"""Doing without the network: what the cache holds, and one error for all that it does not."""

from collections.abc import Iterator, Mapping

from shoestring.cached_transport import CachedTransport
from shoestring.excerpts import Excerpts, fetch_apart
from shoestring.location import Location
from shoestring.plan import Plan, Read
from shoestring.ranges import excerpts_of
from shoestring.show import some
from shoestring.spans import Span
from shoestring.validators import Copy
from shoestring_schema.errors import OfflineError, ShoestringError
from shoestring_schema.moment import Moment, format_moment


class OfflineOrigin:
    """Stands where the network would be. Documents have not changed; all else is missing."""

    async def fetch(self, location: Location, *, max_bytes: int) -> bytes:
        """See `Transport.fetch`."""
        raise not_kept(location)

    async def fetch_changed(
        self, location: Location, copy: Copy | None, *, max_bytes: int
    ) -> Copy | None:
        """See `Origin.fetch_changed`."""
        if copy is None:
            raise not_kept(location)
        return None

    async def fetch_range(self, location: Location, span: Span, *, file_size: int) -> bytes:
        """See `Transport.fetch_range`."""
        raise not_kept(location)

    async def fetch_excerpts(self, excerpts: Excerpts) -> Mapping[Span, memoryview]:
        """See `Transport.fetch_excerpts`."""
        return await fetch_apart(excerpts, self.fetch_range)

    def prepare(self, location: Location, requests: int) -> None:
        """Nothing to prepare."""

    async def diagnose(self, location: Location) -> ShoestringError | None:
        """See `Transport.diagnose`."""
        return not_kept(location)

    async def close(self) -> None:
        """Nothing to let go of."""


def not_kept(location: Location) -> OfflineError:
    """The error for something that would have to be fetched."""
    return OfflineError(
        f"{location.address} is not in the cache, and offline=True opens no connection: read it once without."
    )


async def require_kept(plan: Plan, cached: CachedTransport) -> None:
    """See that the cache holds all that a plan would fetch, before anything is read.

    Args:
        plan: What is to be read.
        cached: What holds it.

    Raises:
        OfflineError: It does not: which dates and bands.
    """
    wanted = [(date.moment, read) for date in plan.dates for read in date.every]
    blocks = [list(_excerpts(read)) for _, read in wanted]
    held = iter(await cached.holds([own for of_read in blocks for own in of_read]))
    kept = [all([next(held) for _ in of_read]) for of_read in blocks]
    missing: dict[Moment, set[str]] = {}
    gdal = False
    for (moment, read), is_kept in zip(wanted, kept, strict=True):
        if not is_kept or _is_unknown(read):
            missing.setdefault(moment, set()).add(read.band.name)
            # Where there is no index an item tells the file, where it is not kept nothing does.
            gdal |= _is_unknown(read) and read.file.location.suffix != ".json"
    if missing:
        raise _missing(missing, plan, gdal=gdal)


def _excerpts(read: Read) -> Iterator[Excerpts]:
    """What is fetched of a layer."""
    for piece in read.file.pieces or ():
        if not piece.blocks.location.is_local and piece.blocks.wanted.any():
            yield excerpts_of(piece.blocks, dict(piece.blocks.spans()))


def _is_unknown(read: Read) -> bool:
    return read.file.pieces is None and not read.file.location.is_local


def _missing(missing: Mapping[Moment, set[str]], plan: Plan, *, gdal: bool) -> OfflineError:
    bands = sorted(set().union(*missing.values()))
    why = " (what no tile index tells of is read by GDAL, which does not use it)" if gdal else ""
    return OfflineError(
        f"The cache lacks {len(missing)} of the {len(plan.dates)} dates that were asked for (in {', '.join(bands)}): "
        f"{some(map(format_moment, missing))}; read them once without offline=True, or ask for others{why}.",
        tuple(missing),
    )
