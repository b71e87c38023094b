"""What a copy with documents of its own shall hold of a collection."""

import posixpath
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from shoestring.together import together
from shoestring_builder.layer import LayerKey
from shoestring_builder.publish.published import PublishedCollection
from shoestring_builder.record import ItemRecord, LayerRecord, ThumbnailRecord, year_of
from shoestring_pull.context import Run
from shoestring_pull.crop.cut import Cut
from shoestring_pull.crop.layer import fingerprint_of
from shoestring_pull.files import Origins, WantedFile, own_file, own_picture, sources_of
from shoestring_pull.holdings import CROPS, require_room
from shoestring_pull.selection import Choice
from shoestring_pull.upstream import UpstreamCollection, UpstreamPart, read_part
from shoestring_schema.errors import OutputError
from shoestring_schema.grid import Grid
from shoestring_schema.moment import Moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import BandDocument, Part


@dataclass(frozen=True, slots=True)
class WantedLayer:
    """A layer that a copy shall hold.

    Attributes:
        key: Which layer.
        part: The part that it is in upstream.
        upstream: What the site says of it.
        file: Its file, as a whole.
        record: What the copy's catalogue says of it; of a crop that is not made yet, nothing.
        fingerprint: Of a crop; nothing of a whole layer.
        sources: The files that a VRT reads.
    """

    key: LayerKey
    part: UpstreamPart
    upstream: LayerRecord
    file: WantedFile
    record: LayerRecord | None = None
    fingerprint: str = ""
    sources: tuple[WantedFile, ...] = ()

    def whole(self) -> "WantedLayer":
        """The layer as it is upstream."""
        return replace(self, record=replace(self.upstream, href=posixpath.basename(self.file.name)))

    def cropped(self, cut: Cut, held: LayerRecord | None) -> "WantedLayer":
        """A part of it; `held` is what the copy has of this moment and band."""
        mark = fingerprint_of(self.upstream.checksum, cut)
        known = held is not None and held.fingerprint == mark
        return replace(self, record=held if known else None, fingerprint=mark)


@dataclass(frozen=True, slots=True)
class WantedCollection:
    """What a copy shall hold of a collection.

    Attributes:
        choice: What was chosen of it.
        parts: Those of its parts that hold something of that.
        bands: The bands that the copy will have.
        layers: The layers that are chosen.
        pictures: The pictures of whole items.
        published: What the copy holds already.
        stays: Layers of the copy that nobody asked for, and that stay.
    """

    choice: Choice
    parts: tuple[UpstreamPart, ...]
    bands: tuple[BandDocument, ...]
    layers: Mapping[LayerKey, WantedLayer]
    pictures: Mapping[Moment, tuple[ThumbnailRecord, WantedFile]]
    published: PublishedCollection | None
    stays: tuple[ItemRecord, ...]

    @property
    def collection(self) -> UpstreamCollection:
        """The collection upstream."""
        return self.choice.collection

    def items(self, made: Mapping[LayerKey, LayerRecord]) -> list[ItemRecord]:
        """All items of the copy, once some layers are made."""
        before = {item.moment: item for item in self.published.items} if self.published else {}
        layers: dict[Moment, dict[str, LayerRecord]] = {
            item.moment: dict(item.layers) for item in self.stays
        }
        for key, wanted in self.layers.items():
            record = made.get(key, wanted.record)
            if record is not None:
                layers.setdefault(key.moment, {})[key.band] = record
        pictures = {moment: item.thumbnail for moment, item in before.items()}
        pictures |= {moment: picture for moment, (picture, _) in self.pictures.items()}
        return [ItemRecord(moment, dict(sorted(layers[moment].items())), pictures.get(moment))
                for moment in sorted(layers)]  # fmt: skip


async def read_parts(choices: Sequence[Choice], run: Run) -> list[tuple[UpstreamPart, ...]]:
    """The parts of collections that hold something of what was chosen.

    Raises:
        CatalogueError: One is not what its collection says, or they are more than there can be.
        OutputError: There is no room for them.
        TransferError: One did not arrive.
    """
    sizes = [part.size for choice in choices for part in _chosen_parts(choice)]
    run.documents.require_few(sum(sizes))
    require_room(run.copy, sizes)
    return [
        tuple(await together(_part(choice.collection, part, run) for part in _chosen_parts(choice)))
        for choice in choices
    ]


def chosen(
    choice: Choice, parts: Sequence[UpstreamPart], origins: Origins
) -> dict[LayerKey, WantedLayer]:
    """The layers of a collection that were chosen.

    Raises:
        CatalogueError: One may not be fetched.
    """
    found = {}
    for part in parts:
        for item in part.items:
            for band in choice.bands if item.moment in choice.moments else ():
                if band in item.layers:
                    key, layer = LayerKey(item.moment, band), item.layers[band]
                    file = own_file(key, layer, choice.collection.id, part.name, origins)
                    sources = tuple(sources_of(layer, part.name, origins))
                    found[key] = WantedLayer(key, part, layer, file, sources=sources)
    return found


def want(
    choice: Choice,
    parts: Sequence[UpstreamPart],
    layers: Mapping[LayerKey, WantedLayer],
    published: PublishedCollection | None,
    run: Run,
    cut: Cut | None,
) -> WantedCollection:
    """What a copy shall hold of a collection.

    Args:
        choice: What was chosen of it.
        parts: The parts that hold something of that.
        layers: See `chosen`.
        published: What the copy holds already; None where nothing of it can stay.
        run: The pull.
        cut: Where it is cut; None where whole layers are wanted.

    Raises:
        CatalogueError: The site can't be copied as it is.
    """
    bands = _bands(choice, published, delete=run.delete)
    held = published.layers if published else {}
    pictures: dict[Moment, tuple[ThumbnailRecord, WantedFile]] = {}
    if cut is None:
        layers = {key: own.whole() for key, own in layers.items()}
        pictures = _pictures(choice, parts, {key.moment for key in layers}, run.origins)
    else:
        layers = {key: own.cropped(cut, held.get(key)) for key, own in layers.items()}
    names = {band.name for band in bands}
    stays = () if published is None or run.delete else _staying(published, layers.keys(), names)
    return WantedCollection(choice, tuple(parts), bands, layers, pictures, published, stays)


def usable(
    published: PublishedCollection | None, grid: Grid, choice: Choice, run: Run
) -> PublishedCollection | None:
    """What of the copy can stand beside what is wanted now; None where it can't.

    Args:
        published: What the copy holds.
        grid: The grid that it shall have.
        choice: What is wanted.
        run: The pull.

    Raises:
        OutputError: It can't, and the user did not say that it may go.
    """
    if published is None:
        return None
    document, where = published.document.grid, run.copy / choice.collection.id
    known = {band.name: band for band in choice.collection.document.bands}
    same = (document.crs, document.transform, document.shape) == (
        grid.crs,
        grid.transform,
        grid.shape,
    )
    alike = all(
        _kind(band) == _kind(known[band.name])
        for band in published.document.bands
        if band.name in known
    )
    if same and alike and _one_kind(published, choice):
        return published
    if run.delete:
        return None
    raise OutputError(
        f"{where} holds another region, or the collection was built anew upstream: name another folder for the "
        "copy, or say --delete to replace what is there."
    )


def crop_path(hidden: Path, wanted: WantedLayer) -> Path:
    """Where a crop is made, and stays until it is published."""
    return hidden / CROPS / f"{wanted.fingerprint}.tif"


def _chosen_parts(choice: Choice) -> list[Part]:
    return [
        part
        for part in choice.collection.document.parts
        if not choice.moments.isdisjoint(unpack_moments(part.dates))
    ]


async def _part(collection: UpstreamCollection, part: Part, run: Run) -> UpstreamPart:
    found, _ = await read_part(collection, part, run.documents)
    return found


def _pictures(
    choice: Choice, parts: Sequence[UpstreamPart], moments: AbstractSet[Moment], origins: Origins
) -> dict[Moment, tuple[ThumbnailRecord, WantedFile]]:
    """The pictures of whole items."""
    found = {}
    for part in parts:
        for item in part.items:
            folder = f"{choice.collection.id}/{year_of(item.moment)}"
            picture = item.thumbnail if item.moment in moments else None
            file = None if picture is None else own_picture(picture, folder, part.name, origins)
            if picture is not None and file is not None:
                own = replace(picture, href=posixpath.basename(file.name))
                found[item.moment] = own, file
    return found


def _staying(
    published: PublishedCollection, wanted: AbstractSet[LayerKey], names: AbstractSet[str]
) -> tuple[ItemRecord, ...]:
    """The copy's items without the layers that are wanted now, as the site has these."""
    found = []
    for item in published.items:
        left = {band: layer for band, layer in item.layers.items()
                if band in names and LayerKey(item.moment, band) not in wanted}  # fmt: skip
        if left:
            found.append(ItemRecord(item.moment, left, item.thumbnail))
    return tuple(found)


def _bands(
    choice: Choice, published: PublishedCollection | None, *, delete: bool
) -> tuple[BandDocument, ...]:
    """The chosen bands, and those that the copy has and that stay, in the site's order."""
    own = {band.name: band for band in published.document.bands} if published else {}
    stay = {} if delete else own
    upstream = choice.collection.document.bands
    known = {band.name for band in upstream}
    found = [band for band in upstream if band.name in choice.bands or band.name in stay]
    return (*found, *(band for name, band in stay.items() if name not in known))


def _one_kind(published: PublishedCollection, choice: Choice) -> bool:
    """Whether both count in days, or both in instants."""
    moments = (*(item.moment for item in published.items), *choice.collection.dates)
    return len({isinstance(moment, datetime) for moment in moments}) < 2


def _kind(band: BandDocument) -> tuple[object, ...]:
    """What can't differ among the layers of a band."""
    return band.data_type, band.nodata, band.factor, band.scale, band.offset
