"""The layers of a part as one Zarr store: references that xarray opens by kerchunk's engine.

Bands are arrays (time, y, x) whose chunks are the blocks of the layers where they lie. What would
be read wrong is refused. References have whole addresses, though templates would take less room:
fsspec is the only reader that knows those.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from shoestring_builder.describe.item import VRT_TYPE
from shoestring_builder.doors.address import public
from shoestring_builder.doors.block_coding import BlockCoding, block_coding, packed_zeros
from shoestring_builder.doors.door import DoorFile
from shoestring_builder.doors.part import DoorPart
from shoestring_builder.doors.stored_layer import StoredLayer, stored_layer
from shoestring_builder.doors.zarr_coordinates import add_grid, add_times, grid_names
from shoestring_builder.doors.zarr_store import ZarrStore, fill_value
from shoestring_builder.index.index_file import IndexFile, open_index
from shoestring_schema.errors import CatalogueError, ConfigError
from shoestring_schema.moment import parse_moment
from shoestring_schema.site import BandDocument

MAX_REFERENCES = 250_000
"""Of a file. They are some 30 MB, which readers take in whole before the first pixel."""

KERCHUNK_TYPE = "application/json"

_TIME = "time"
_TIME_UNITS = ("days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds")
"""Units that xarray takes for lengths of time."""


@dataclass(frozen=True, slots=True)
class _Band:
    """A band whose layers are stored alike.

    Attributes:
        document: What the collection says of it.
        coding: How its blocks are stored.
        fill: The stored number that means "no data", where there is one.
        layers: Its layers by date.
        time: Name of its dimension of time: one of its own where a date lacks it and no number
            could tell so.
    """

    document: BandDocument
    coding: BlockCoding
    fill: float | str | None
    layers: Mapping[str, StoredLayer]
    time: str

    @property
    def any_layer(self) -> StoredLayer:
        """One of its layers: all have the same shape."""
        return next(iter(self.layers.values()))


def kerchunk_files(part: DoorPart, limit: int = MAX_REFERENCES) -> Iterator[DoorFile]:
    """Write the references to a part's layers.

    Args:
        part: The part; it has an address.
        limit: Blocks that a file refers to at most.

    Returns:
        A file, or several with some of the dates each where the part has too many blocks for one.

    Raises:
        ConfigError: Pixels would be read wrong, or a single date has too many blocks.
        CatalogueError: The index can't be read.
    """
    dates = [item["properties"]["shoestring:date"] for item in part.items]
    bands = _bands(part)
    _require_free_names(part, bands)
    spans = list(_spans(part, bands, dates, limit))
    for number, span in enumerate(spans, 1):
        yield DoorFile(
            stem=f"kerchunk-{part.period}" + (f"_{number}" if len(spans) > 1 else ""),
            suffix=".json",
            data=_store(part, bands, span).to_bytes(),
            kind=KERCHUNK_TYPE,
            title=f"References for xarray (kerchunk), {span[0]} to {span[-1]}",
        )


def _bands(part: DoorPart) -> list[_Band]:
    """The bands that any date of the part has."""
    if part.index is None:
        raise CatalogueError(
            f"Collection {part.collection!r} has no tile index of {part.period}, which kerchunk's references are made "
            "from: build the site again."
        )
    index = open_index(part.index.path, part.index.document, str(part.index.path))
    found = (_band(part, index, own) for own in part.bands)
    return [band for band in found if band is not None]


def _band(part: DoorPart, index: IndexFile, document: BandDocument) -> _Band | None:
    """A band, or None where no date of the part has it.

    Its files and its document must agree on what pixels mean.
    """
    layers = dict(_layers(part, index, document))
    if not layers:
        return None
    coding = _coding(part, document, layers)
    fill = fill_value(document.nodata, coding.dtype)
    if coding.dtype[1:] != np.dtype(document.data_type).str[1:]:
        raise _refusal(part, document, f"their numbers are of type {coding.dtype}")
    if fill != fill_value(coding.nodata, coding.dtype):
        reason = f"they say that {coding.nodata} is no data, where the collection says {fill}"
        raise _refusal(part, document, reason)
    whole = fill is not None or len(layers) == len(part.items)
    time = _TIME if whole else f"{_TIME}_{document.name}"
    return _Band(document, coding, fill, layers, time)


def _layers(
    part: DoorPart, index: IndexFile, document: BandDocument
) -> Iterator[tuple[str, StoredLayer]]:
    """The layers of a band by date, all on the collection's grid.

    One that the index does not tell of could not be read when it was indexed, which the builder said
    then: it is left out.
    """
    shape = part.grid.coarsen(document.factor).shape
    for item in (item for item in part.items if document.name in item["assets"]):
        date = item["properties"]["shoestring:date"]
        layer = stored_layer(index, document.name, date)
        if layer is None:
            if item["assets"][document.name].get("type") == VRT_TYPE:
                raise _refusal(part, document, "not all are files of their own")
            continue
        if layer.shape != shape:
            raise _refusal(part, document, f"{layer.href} has {layer.shape} pixels, not {shape}")
        yield date, layer


def _coding(
    part: DoorPart, document: BandDocument, layers: Mapping[str, StoredLayer]
) -> BlockCoding:
    """How all layers of a band are stored."""
    try:
        codings = {
            (own.key, layer.block): own
            for layer in layers.values()
            for own in (block_coding(layer.format, layer.block),)
        }
    except ValueError as error:
        raise _refusal(part, document, str(error)) from None
    if len(codings) > 1:
        raise _refusal(part, document, "their dates are stored in several ways")
    return next(iter(codings.values()))


def _require_free_names(part: DoorPart, bands: Sequence[_Band]) -> None:
    """No band is called like a coordinate."""
    names = {_TIME, *(band.time for band in bands)}
    names |= {name for band in bands for name in grid_names(band.document.factor)}
    for name in (band.document.name for band in bands if band.document.name in names):
        raise ConfigError(
            f"Collection {part.collection!r} has a band {name!r}, and kerchunk's references have a coordinate of that "
            'name: call the band otherwise, with its own as source_name, or take "kerchunk" out of doors.'
        )


def _spans(
    part: DoorPart, bands: Sequence[_Band], dates: Sequence[str], limit: int
) -> Iterator[tuple[str, ...]]:
    """The dates in groups of at most so many blocks."""
    span: list[str] = []
    count = 0
    for date in dates:
        own = sum(band.layers[date].sizes.size for band in bands if date in band.layers)
        if own > limit:
            raise ConfigError(
                f"Collection {part.collection!r} has {own} blocks on {date}, and kerchunk's references hold at most "
                f'{limit}: state a larger block_size, or take "kerchunk" out of doors.'
            )
        if span and count + own > limit:
            yield tuple(span)
            span, count = [], 0
        span.append(date)
        count += own
    yield tuple(span)


def _store(part: DoorPart, bands: Sequence[_Band], dates: Sequence[str]) -> ZarrStore:
    own = [band for band in bands if any(date in band.layers for date in dates)]
    factors = sorted({band.document.factor for band in own})
    references = [grid_names(factor)[2] for factor in factors]
    store = ZarrStore(
        {"Conventions": "CF-1.10", "title": part.title, "coordinates": " ".join(references)}
    )
    for factor in factors:
        add_grid(store, part.grid, factor)
    add_times(store, _TIME, [parse_moment(date) for date in dates])
    for band in own:
        _add_band(store, part, band, dates)
    return store


def _add_band(store: ZarrStore, part: DoorPart, band: _Band, dates: Sequence[str]) -> None:
    y, x, _ = grid_names(band.document.factor)
    if band.time != _TIME:
        dates = [date for date in dates if date in band.layers]
        add_times(store, band.time, [parse_moment(date) for date in dates])
    about = {
        "shape": (len(dates), *band.any_layer.shape),
        "chunks": (1, *band.any_layer.block),
        "dtype": band.coding.dtype,
        "fill_value": band.fill,
        "compressor": band.coding.compressor,
        "filters": band.coding.filters or None,
    }
    store.add_array(band.document.name, about, (band.time, y, x), _attributes(band.document))
    for number, date in enumerate(dates):
        if date in band.layers:
            _add_layer(store, part.address, band, number, band.layers[date])


def _add_layer(
    store: ZarrStore, address: str, band: _Band, number: int, layer: StoredLayer
) -> None:
    """Refer to the blocks of a layer; those that are not in its file hold no data, or zeros."""
    href = public(address, layer.href)
    zeros = packed_zeros(band.coding, layer.block) if band.fill is None else b""
    rows, columns = layer.sizes.shape
    offsets, sizes = layer.offsets.tolist(), layer.sizes.tolist()
    for row, column in product(range(rows), range(columns)):
        place = number, row, column
        if sizes[row][column]:
            chunk = href, offsets[row][column], sizes[row][column]
            store.add_chunk(band.document.name, place, chunk)
        elif zeros:
            store.add_chunk(band.document.name, place, zeros)


def _attributes(band: BandDocument) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "long_name": band.title or band.name,
        "grid_mapping": grid_names(band.factor)[2],
    }
    if band.unit is not None:
        is_time = band.unit in _TIME_UNITS or " since " in band.unit
        attributes["unit" if is_time else "units"] = band.unit
    if (band.scale, band.offset) != (1.0, 0.0):
        attributes |= {"scale_factor": band.scale, "add_offset": band.offset}
    return attributes


def _refusal(part: DoorPart, band: BandDocument, reason: str) -> ConfigError:
    return ConfigError(
        f"Collection {part.collection!r}: kerchunk's references to the layers of band {band.name!r} would be read "
        f'wrong, as {reason}: take "kerchunk" out of doors, or let the builder write these layers anew as COGs.'
    )
