"""The synchronous names: a thin adapter over the asynchronous ones.

One event loop in a thread of its own serves all of them, so they work in
scripts, in threads, and inside a notebook whose own loop is running.
"""

import weakref
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from shoestring.access import choose_access
from shoestring.cache_settings import CacheLike
from shoestring.catalogue import AsyncCatalogue, CatalogueFacts, open_session
from shoestring.collection import AsyncCollection, Bands, CollectionFacts, Session, Wanted
from shoestring.event_loop import EventLoopThread
from shoestring.options import Options
from shoestring.plan import Plan
from shoestring.pulling import Pulled, puller
from shoestring.roi import RoiLike
from shoestring.selection import Dates
from shoestring.stack import Layer, Stack

_loop = EventLoopThread()


class Collection(CollectionFacts):
    """A collection of an open catalogue, with blocking methods.

    Args:
        collection: The asynchronous one that does the work.
        catalogue: Its catalogue, which stays open as long as one of its collections is used.
    """

    def __init__(self, collection: AsyncCollection, catalogue: "Catalogue") -> None:
        super().__init__(collection.info)
        self._collection = collection
        self._catalogue = catalogue

    def extract(
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
        """See `AsyncCollection.extract`."""
        return _loop.run(
            self._collection.extract(
                bands,
                roi,
                dates=dates,
                masked=masked,
                min_clear=min_clear,
                scaled=scaled,
                resolution=resolution,
                progress=progress,
            )
        )

    def layers(self, bands: Bands, roi: RoiLike, **wanted: Unpack[Wanted]) -> Iterator[Layer]:
        """See `AsyncCollection.layers`."""
        layers = self._collection.layers(bands, roi, **wanted)
        try:
            while (layer := _loop.run(_next(layers))) is not None:
                yield layer
        finally:
            _loop.run(layers.aclose())

    def explain(self, bands: Bands, roi: RoiLike, **wanted: Unpack[Wanted]) -> Plan:
        """See `AsyncCollection.explain`."""
        return _loop.run(self._collection.explain(bands, roi, **wanted))

    extract.__doc__ = AsyncCollection.extract.__doc__
    layers.__doc__ = AsyncCollection.layers.__doc__
    explain.__doc__ = AsyncCollection.explain.__doc__


class Catalogue(CatalogueFacts[Collection]):
    """An open catalogue: ``catalogue["s2-l2a"]``. Made by `open`.

    It may be closed, or used in a ``with`` statement; else it is closed with the program.

    Args:
        catalogue: The asynchronous one that does the work.
        session: What to close.
    """

    def __init__(self, catalogue: AsyncCatalogue, session: Session) -> None:
        super().__init__(catalogue.info, [Collection(found, self) for found in catalogue.values()])
        self._options = session.options
        self._close = weakref.finalize(self, _close, session)

    def pull(
        self,
        folder: str | Path,
        *,
        delete: bool = False,
        terms: Any = None,  # noqa: ANN401 (of a package that the client does not know)
        progress: bool | None = None,
        **selected: Unpack[Pulled],
    ) -> Any:  # noqa: ANN401
        """See `AsyncCatalogue.pull`."""
        return puller()(
            self.info, self._options, folder,
            delete=delete, terms=terms, progress=progress, **selected,
        )  # fmt: skip

    pull.__doc__ = AsyncCatalogue.pull.__doc__

    def close(self) -> None:
        """Let go of threads and connections."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open(
    address: str | Path,
    *,
    snapshot: str | None = None,
    bands: Sequence[str] | None = None,
    options: Options | None = None,
    cache: CacheLike = None,
    offline: bool = False,
) -> Catalogue:
    """Open a catalogue.

    Args:
        address: URL or path of a site's folder, its `catalog.json`, one of its
            `collection.json`, or a plain `database.json`.
        snapshot: Which snapshot of a site to read, as `Catalogue.snapshot` told it; without it,
            the current one.
        bands: Names for the bands of a `database.json`, in its order.
        options: How to behave towards servers.
        cache: A folder that keeps what is fetched, so that it is not fetched again; by default
            the one that ``SHOESTRING_CACHE`` names, if any. True is ``~/.cache/shoestring``,
            False none. Data of a site in a folder are not kept again.
        offline: Open no connection: read what the cache holds, and tell what it lacks.

    Raises:
        CatalogueError: Nothing is there, or not a catalogue that this client reads.
        SelectionError: The site does not keep this snapshot.
        TransferError: Its bytes did not arrive.
        OfflineError: The cache does not hold it.
    """
    options = options or Options()
    access = choose_access(cache, options, offline=offline)
    opened = open_session(address, snapshot=snapshot, bands=bands, options=options, access=access)
    session, catalogue = _loop.run(opened)
    return Catalogue(catalogue, session)


def _close(session: Session) -> None:
    """Close a session, from whatever thread: garbage is collected in any."""
    _loop.finish(session.close())


async def _next(layers: AsyncGenerator[Layer]) -> Layer | None:
    return await anext(layers, None)
