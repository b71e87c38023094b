"""A collection: dates, bands and a grid; extracting from it. Asynchronous."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

from shoestring import extraction
from shoestring.options import Options
from shoestring.parts import Files
from shoestring.plan import Band, Plan, Wish, check_window, make_plan
from shoestring.progress import progress_bar
from shoestring.reader import Reader
from shoestring.roi import RoiLike, extent, read_roi
from shoestring.sampling import Sampling, sample
from shoestring.selection import Dates, select_bands, select_dates, select_grid
from shoestring.show import collection_html, collection_text
from shoestring.sparing import spare
from shoestring.stack import Layer, Stack
from shoestring.transport import Transport
from shoestring.workers import Workers
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.site import MaskDocument

if TYPE_CHECKING:
    from shoestring.cached_transport import CachedTransport

Bands = str | int | Iterable[str | int] | None


class Wanted(TypedDict, total=False):
    """Options of `AsyncCollection.extract`, told there."""

    dates: Dates
    masked: bool
    min_clear: float | None
    scaled: bool
    resolution: float | None


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a catalogue says of a collection.

    Attributes:
        id: Identifier.
        title: A name for people.
        description: A paragraph for people.
        license: SPDX identifier, or ``other``.
        address: Where its document lies.
        grid: The grid that all layers share.
        bands: Name to band, in order.
        mask: Which pixels are clear, if it is known.
        dates: All moments, in order.
    """

    id: str
    title: str
    description: str
    license: str
    address: str
    grid: Grid
    bands: Mapping[str, Band]
    mask: MaskDocument | None
    dates: tuple[Moment, ...]


class CollectionFacts:
    """What a collection is, for both kinds of it: `AsyncCollection` and `Collection`.

    Args:
        info: What the catalogue says.
    """

    def __init__(self, info: CollectionInfo) -> None:
        self.info = info

    @property
    def id(self) -> str:
        """Identifier."""
        return self.info.id

    @property
    def title(self) -> str:
        """A name for people."""
        return self.info.title

    @property
    def description(self) -> str:
        """A paragraph for people."""
        return self.info.description

    @property
    def dates(self) -> tuple[Moment, ...]:
        """All dates in order: `datetime.date`, or aware `datetime.datetime` in UTC."""
        return self.info.dates

    @property
    def bands(self) -> Mapping[str, Band]:
        """Band name to what its stored numbers mean, in order."""
        return self.info.bands

    @property
    def mask(self) -> MaskDocument | None:
        """Which pixels are clear, if the catalogue tells."""
        return self.info.mask

    @property
    def grid(self) -> Grid:
        """CRS, transform and shape that all layers share."""
        return self.info.grid

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees (EPSG:4326)."""
        return extent(self.grid.bounds, self.grid.crs)

    def __repr__(self) -> str:
        return collection_text(self)

    def _repr_html_(self) -> str:
        return collection_html(self)


class LayerIndex(Protocol):
    """Knows where the layers' files are."""

    async def files(self, moments: Collection[Moment], samplings: Mapping[str, Sampling]) -> Files:
        """The files of layers, by moment and band; with their blocks, where that is known.

        Args:
            moments: Which moments.
            samplings: Band to where the result lies in its layers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """What the collections of an open catalogue share.

    Attributes:
        transport: Gets documents.
        reader: Reads windows.
        workers: Threads that compute.
        options: How to behave.
        offline: What holds all that may be read; None where there is a network.
    """

    transport: Transport
    reader: Reader
    workers: Workers
    options: Options
    offline: "CachedTransport | None" = None

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self.reader.close()
        self.workers.close()
        await self.transport.close()


class AsyncCollection(CollectionFacts):
    """A collection of an open catalogue.

    Args:
        info: What the catalogue says.
        index: Knows where the layers' files are.
        session: What the catalogue's collections share.
    """

    def __init__(self, info: CollectionInfo, index: LayerIndex, session: Session) -> None:
        super().__init__(info)
        self._index = index
        self._session = session

    async def extract(
        self,
        bands: Bands,
        roi: RoiLike,
        *,
        dates: Dates = None,
        masked: bool = True,
        min_clear: float | None = None,
        scaled: bool = False,
        resolution: float | None = None,
        progress: bool | None = None,
    ) -> Stack:
        """Read the window of a region from the layers of some bands and dates.

        The window is the region's bounding box on the grid, grown to whole pixels and cut
        at the grid's edges.

        Args:
            bands: Names; None is all.
            roi: The region: GeoJSON (file, text, dictionary, URL), a vector file, anything
                with ``__geo_interface__``, or west, south, east, north.
            dates: A pair is a closed interval, a list is just those, None is all.
            masked: As float32, NaN outside of the region (a pixel counts by its centre),
                where there is no data, and where the mask says not clear. False: the
                stored numbers in their own type, the whole window.
            min_clear: Leave out dates with a smaller clear share of the region, 0 to 1; by
                default those without one clear pixel. `Stack.left_out` tells which.
            scaled: Values in the band's unit, as float32, instead of stored numbers; NaN
                where there is no data.
            resolution: Side of the result's pixels in units of the grid's CRS, coarser than the
                grid's. Each is the stored pixel under its centre, of the overview that GDAL
                would choose: its numbers are averages, its classes the commonest, unless the
                publisher made them otherwise. By default, the grid's.
            progress: Show a bar; by default on a terminal or in a notebook, after two seconds.

        Raises:
            SelectionError: No such band or date, or more than fits into memory.
            RoiError: The region can't be used, or lies outside of the grid.
            TransferError: Bytes did not arrive, after all retries.
            CatalogueError: A file is not there, or not what the catalogue says.
            OfflineError: The cache does not hold all of it; the message tells which dates.
        """
        plan = await self.explain(
            bands,
            roi,
            dates=dates,
            masked=masked,
            min_clear=min_clear,
            scaled=scaled,
            resolution=resolution,
        )
        await self._require_kept(plan)
        with progress_bar(len(plan.dates), self.id, "dates", wanted=progress) as bar:
            return await extraction.collect(
                plan,
                self._session.reader,
                workers=self._session.workers,
                in_flight=self._session.options.connections,
                on_date=bar.update,
            )

    async def layers(
        self, bands: Bands, roi: RoiLike, **wanted: Unpack[Wanted]
    ) -> AsyncGenerator[Layer]:
        """The same as `extract`, but each layer as soon as its date is complete, in any order.

        Leaving the loop stops all further reading. Options are those of `extract`.
        """
        plan = await self.explain(bands, roi, **wanted)
        await self._require_kept(plan)
        running = extraction.run(
            plan,
            self._session.reader,
            workers=self._session.workers,
            in_flight=self._session.options.connections,
        )
        async with aclosing(running) as results:
            async for result in results:
                for layer in result.layers:
                    yield layer

    async def explain(self, bands: Bands, roi: RoiLike, **wanted: Unpack[Wanted]) -> Plan:
        """What `extract` would read, without reading it. The plan shows itself.

        Options are those of `extract`.

        Raises:
            SelectionError: See `extract`.
            RoiError: See `extract`.
        """
        names = select_bands(bands, self.bands)
        moments = select_dates(wanted.get("dates"), self.dates)
        grid = select_grid(wanted.get("resolution"), self.grid)
        region = (await read_roi(roi, self._session.transport)).on(grid)
        check_window(region.window, self._session.options.max_result)
        wish = Wish(
            masked=wanted.get("masked", True),
            min_clear=wanted.get("min_clear"),
            scaled=wanted.get("scaled", False),
        )
        rule = self.mask if wish.filters else None
        needed = dict.fromkeys([*names, *([rule.band] if rule else [])])
        samplings = {
            name: sample(region.window, grid, self.grid, self.bands[name].factor) for name in needed
        }
        plan = make_plan(
            self.id,
            region,
            await self._index.files(moments, samplings),
            samplings=samplings,
            bands=self.bands,
            wanted=names,
            rule=rule,
            wish=wish,
            max_result=self._session.options.max_result,
        )
        return spare(plan)

    async def _require_kept(self, plan: Plan) -> None:
        if self._session.offline is not None:
            from shoestring.offline import require_kept

            await require_kept(plan, self._session.offline)
