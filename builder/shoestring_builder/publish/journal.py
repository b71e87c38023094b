"""The journal: which layers are finished and not published yet, for a run after one that was killed.

A text file in the hidden folder, to which a line is added for each layer when its file is whole.
A line that was torn is passed over, and no file is used again before its checksum was compared.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shoestring_builder.index.stored import StoredBand
from shoestring_builder.layer import LayerKey, RenderedLayer, Statistics
from shoestring_builder.publish.site_folder import SiteFolder, has_size, told
from shoestring_builder.record import layer_name, year_of
from shoestring_schema.errors import SelectionError
from shoestring_schema.moment import format_moment, parse_moment
from shoestring_schema.site import SourceFile

JOURNAL = "journal"


class FinishedLayer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the journal: a layer whose file is whole.

    Attributes:
        collection: The collection.
        moment: When the layer was taken.
        band: Its band.
        fingerprint: Of what it was made from and how.
        file: Where it was made, relative to the hidden folder.
        size: Its bytes.
        checksum: Its multihash.
        statistics: Of its stored numbers.
        header_size: See `RenderedLayer`, as all that follows.
        clear_percent: Share of the valid pixels that are clear, in the mask's band.
        sources: The files that a VRT reads.
        stored: How it is stored.
        records: The file with the records of its blocks, relative to the hidden folder.
        records_checksum: The multihash of that file.
    """

    collection: str
    moment: str
    band: str
    fingerprint: str
    file: str
    size: int
    checksum: str
    statistics: Statistics
    header_size: int | None = None
    clear_percent: float | None = None
    sources: tuple[SourceFile, ...] = ()
    stored: StoredBand | None = None
    records: str | None = None
    records_checksum: str | None = None

    @property
    def key(self) -> LayerKey:
        """Which layer of its collection."""
        return LayerKey(parse_moment(self.moment), self.band)

    @property
    def name(self) -> str:
        """The name that it has in the site once it is placed there."""
        file = layer_name(self.key, self.checksum, Path(self.file).suffix)
        return f"{self.collection}/{year_of(self.key.moment)}/{file}"


Order = tuple[str, LayerKey, str]
"""A collection, a layer of it, and the fingerprint that it must have."""


@dataclass(frozen=True, slots=True)
class CheckTask:
    """An order: compare a finished layer with what the journal says of it.

    Attributes:
        layer: The line of the journal.
        site: The site's folder.
        hidden: The hidden folder in it.
    """

    layer: FinishedLayer
    site: Path
    hidden: Path


class Journal:
    """The journal of a site, read and continued.

    What is neither wanted nor of a collection that could not be looked at is forgotten, and
    everything in the hidden folder that the journal does not name is removed.

    Args:
        site: The site, locked.
        wanted: The layers that are to be made.
        spared: Collections of which it is not known what is wanted.

    Raises:
        PublishError: The hidden folder can't be written.
    """

    def __init__(
        self, site: SiteFolder, wanted: Collection[Order], spared: Collection[str] = ()
    ) -> None:
        self._site, self._path = site, site.hidden / JOURNAL
        before = tuple(_read(self._path))
        self._layers: dict[Order, FinishedLayer] = {
            order: layer
            for layer in before
            for order in ((layer.collection, layer.key, layer.fingerprint),)
            if order in wanted or layer.collection in spared
        }
        self._restart()

    def names(self) -> frozenset[str]:
        """The names in the site of the layers that it knows."""
        return frozenset(layer.name for layer in self._layers.values())

    def tasks(self, orders: Iterable[Order]) -> list[CheckTask]:
        """Of some layers, those that are finished; each must be checked."""
        known = (self._layers[order] for order in orders if order in self._layers)
        return [CheckTask(layer, self._site.path, self._site.hidden) for layer in known]

    def writer(self, collection: str) -> Callable[[RenderedLayer], None]:
        """What takes down a collection's layers as they are finished."""
        return lambda layer: self._add(_line(collection, layer, self._site.hidden))

    def published(self, collections: Collection[str]) -> None:
        """Forget the layers of collections that were published."""
        for order in [own for own in self._layers if own[0] in collections]:
            del self._layers[order]
        self._restart()

    def _add(self, layer: FinishedLayer) -> None:
        self._layers[layer.collection, layer.key, layer.fingerprint] = layer
        self._site.lasting |= {self._path, *self._files(layer)}
        with told(self._path), self._path.open("ab", buffering=0) as file:
            file.write(msgspec.json.encode(layer) + b"\n")

    def _restart(self) -> None:
        """Hold on to what is known, and to nothing else."""
        files = {path for layer in self._layers.values() for path in self._files(layer)}
        self._site.lasting = files | ({self._path} if files else set())
        self._site.clear()
        if files:
            lines = [msgspec.json.encode(layer) + b"\n" for layer in self._layers.values()]
            self._site.swap(self._path.relative_to(self._site.path).as_posix(), b"".join(lines))

    def _files(self, layer: FinishedLayer) -> Iterator[Path]:
        yield self._site.hidden / layer.file
        if layer.records is not None:
            yield self._site.hidden / layer.records


def check_finished(task: CheckTask) -> RenderedLayer | None:
    """The layer that a line of the journal tells of; None where its file is not as it says.

    Runs in worker processes.
    """
    layer = task.layer
    for path in (task.hidden / layer.file, task.site / layer.name):
        if has_size(path, layer.size) and _checksum(path) == layer.checksum:
            return _layer(layer, path, task.hidden)
    return None


def _layer(layer: FinishedLayer, path: Path, hidden: Path) -> RenderedLayer:
    records = None if layer.records is None else hidden / layer.records
    if records is not None and _checksum(records) != layer.records_checksum:
        records = None
    return RenderedLayer(
        key=layer.key,
        path=path,
        size=layer.size,
        checksum=layer.checksum,
        header_size=layer.header_size,
        statistics=layer.statistics,
        clear_percent=layer.clear_percent,
        fingerprint=layer.fingerprint,
        sources=layer.sources,
        stored=None if records is None else layer.stored,
        records=records,
    )


def _line(collection: str, layer: RenderedLayer, hidden: Path) -> FinishedLayer:
    records = layer.records
    return FinishedLayer(
        collection=collection,
        moment=format_moment(layer.key.moment),
        band=layer.key.band,
        fingerprint=layer.fingerprint,
        file=layer.path.relative_to(hidden).as_posix(),
        size=layer.size,
        checksum=layer.checksum,
        statistics=layer.statistics,
        header_size=layer.header_size,
        clear_percent=layer.clear_percent,
        sources=layer.sources,
        stored=layer.stored,
        records=None if records is None else records.relative_to(hidden).as_posix(),
        records_checksum=None if records is None else _checksum(records),
    )


def _read(path: Path) -> Iterator[FinishedLayer]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            layer = msgspec.json.decode(line, type=FinishedLayer)
            _ = layer.key
        except (msgspec.MsgspecError, UnicodeDecodeError, SelectionError):  # torn, or of another
            continue  # version
        yield layer


def _checksum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return "1220" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def finished(results: Iterable[object]) -> Mapping[LayerKey, RenderedLayer]:
    """Of what `check_finished` found, the layers that can be used."""
    return {own.key: own for own in results if isinstance(own, RenderedLayer)}
