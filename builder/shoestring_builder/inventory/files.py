"""Which source files are there, and which layers they make.

Only folders that the pattern can match are listed, and the result is sorted:
it does not depend on the order in which a file system lists its entries.
"""

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring_builder.inventory.header import HeaderReader, RasterBand
from shoestring_builder.inventory.pattern import PathFields, PathPattern, parse_pattern
from shoestring_builder.layer import LayerKey, SourceBand
from shoestring_schema.configuration import BandTable, CollectionTable
from shoestring_schema.errors import ConfigError, SourceError
from shoestring_schema.moment import Moment, format_moment


class NothingFoundError(ConfigError):
    """There is no source file at all: the pattern is wrong, or the archive is not there."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that the pattern matches.

    Attributes:
        path: The file.
        fields: What its path says.
        size: Bytes.
        modified: Modification time in nanoseconds.
    """

    path: Path
    fields: PathFields
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that there is to build a collection from.

    Attributes:
        layers: The layers in order of time, then of the bands; each with its sources,
            sorted by tile: later ones cover earlier ones.
        unusable: Sentences on files that could not be opened, where opening them was
            needed to know what they hold.
    """

    layers: Mapping[LayerKey, tuple[SourceBand, ...]]
    unusable: tuple[str, ...] = ()


def take_inventory(table: CollectionTable, folder: Path, read: HeaderReader) -> Inventory:
    """Find a collection's source files and sort them into layers.

    Args:
        table: The collection's configuration.
        folder: The configuration's folder, from which a relative pattern starts.
        read: Reads headers; called only where the path does not tell everything.

    Raises:
        NothingFoundError: No file matches the pattern.
        ConfigError: The pattern is wrong, no file has a configured band, or two files claim one
            layer and tile.
    """
    names = {band.source_name or name: name for name, band in table.bands.items()}
    pattern = parse_pattern(table.source, names, needs_date=table.time == "path")
    _require_distinguishable(table, pattern)
    files = find_files(pattern, folder)
    if not files:
        raise NothingFoundError(_nothing_found(table, pattern, folder))
    _require_every_band(table, pattern, files)
    unusable: list[str] = []
    nameless: dict[str, list[str]] = {}
    claims: dict[tuple[LayerKey, str], SourceBand] = {}
    for file in files:
        try:
            _require_text(file.path)
            found = list(_layers_of(table, file, read))
        except SourceError as error:
            unusable.append(str(error))
            continue
        for key, number in found:
            if number is None:
                nameless.setdefault(key.band, []).append(_no_such_name(table, key.band, file))
            else:
                _claim(table, claims, key, file, number)
    unusable += _partly_nameless(table, claims, nameless)
    return Inventory(_sorted_layers(table, claims), tuple(unusable))


def find_files(pattern: PathPattern, folder: Path) -> tuple[FoundFile, ...]:
    """The files that a pattern matches, sorted by path.

    Raises:
        ConfigError: A folder on the way can't be listed.
    """
    try:
        return tuple(sorted(_walk(pattern, _start(pattern, folder), 0, {}), key=_by_path))
    except OSError as error:  # a folder that is unreadable is not one that is empty
        raise ConfigError(
            f'source "{pattern.text}": {error.filename} can\'t be listed ({error.strerror}): '
            "give the builder's user the right to read it, and see that its disk is well."
        ) from None


def _start(pattern: PathPattern, folder: Path) -> Path:
    return Path(os.path.normpath(folder / pattern.anchor))


def _by_path(file: FoundFile) -> tuple[str, ...]:
    return file.path.parts


def _walk(
    pattern: PathPattern, folder: Path, depth: int, known: Mapping[str, str]
) -> Iterator[FoundFile]:
    last = depth == len(pattern.segments) - 1
    for name in _names(pattern, folder, depth):
        told = pattern.match(depth, name, known)
        path = folder / name
        if told is None:
            continue
        if not last:
            yield from _walk(pattern, path, depth + 1, told)
        elif (fields := pattern.fields(told)) is not None:
            with suppress(FileNotFoundError, NotADirectoryError):  # a link to nowhere; gone since
                status = path.stat()
                if stat.S_ISREG(status.st_mode):
                    yield FoundFile(path, fields, status.st_size, status.st_mtime_ns)


def _names(pattern: PathPattern, folder: Path, depth: int) -> list[str]:
    segment = pattern.segments[depth]
    if segment.literal:
        return [segment.text]
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _require_distinguishable(table: CollectionTable, pattern: PathPattern) -> None:
    """Several bands are told apart by their path or by what the configuration says of each."""
    if pattern.has("band") or len(table.bands) == 1:
        return
    for name, band in table.bands.items():
        if band.source_band is None:
            raise ConfigError(
                f'collection "{table.id}": nothing says where band "{name}" is; put {{band}} into '
                f"source, or source_band = number or name into its table."
            )


def _require_every_band(
    table: CollectionTable, pattern: PathPattern, files: tuple[FoundFile, ...]
) -> None:
    present = {file.fields.band for file in files}
    for name, band in table.bands.items():
        if pattern.has("band") and name not in present:
            raise ConfigError(
                f'collection "{table.id}": no file has band "{name}"; where source '
                f'"{table.source}" says {{band}}, none says "{band.source_name or name}". '
                "Correct its source_name or take the band out."
            )


def _require_text(path: Path) -> None:
    """Refuse a name of bytes that are no text: GDAL and URLs know only UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        name = os.fsencode(path).decode(errors="backslashreplace")
        raise SourceError(
            f"{name} has a name that is not UTF-8, as of an old system: rename it."
        ) from None


def _layers_of(
    table: CollectionTable, file: FoundFile, read: HeaderReader
) -> Iterator[tuple[LayerKey, int | None]]:
    """The layers that a file should hold, with the number of the raster band, if it has it."""
    for name, band in table.bands.items():
        if file.fields.band not in (None, name):
            continue
        if table.time == "metadata":
            for raster in _raster_bands(band, file, read):
                yield LayerKey(_valid_time(raster, file.path), name), raster.number
        elif file.fields.moment is not None:
            yield LayerKey(file.fields.moment, name), _number(band, file, read)


def _raster_bands(band: BandTable, file: FoundFile, read: HeaderReader) -> tuple[RasterBand, ...]:
    header = read(file.path)
    if band.source_band is None:
        return header.bands
    if isinstance(band.source_band, str):
        return header.named(band.source_band)
    return tuple(raster for raster in header.bands if raster.number == band.source_band)


def _valid_time(raster: RasterBand, path: Path) -> Moment:
    if raster.time is None:
        raise SourceError(
            f"{path} does not say when its raster band {raster.number} is valid: "
            'take the date from the path with time = "path".'
        )
    return raster.time


def _number(band: BandTable, file: FoundFile, read: HeaderReader) -> int | None:
    if not isinstance(band.source_band, str):
        return band.source_band or 1
    named = read(file.path).named(band.source_band)
    return named[0].number if named else None


def _no_such_name(table: CollectionTable, band: str, file: FoundFile) -> str:
    return f'{file.path} has no raster band named "{table.bands[band].source_band}".'


def _partly_nameless(
    table: CollectionTable,
    claims: Mapping[tuple[LayerKey, str], SourceBand],
    nameless: Mapping[str, list[str]],
) -> list[str]:
    """Sentences on files without a raster band that others have.

    Raises:
        ConfigError: No file has it.
    """
    present = {key.band for key, _ in claims}
    for band in nameless:
        if band not in present:
            raise ConfigError(
                f'collection "{table.id}": no file has band "{band}"; none has a raster band named '
                f'"{table.bands[band].source_band}". Correct its source_band or take the band out.'
            )
    return [sentence for sentences in nameless.values() for sentence in sentences]


def _claim(
    table: CollectionTable,
    claims: dict[tuple[LayerKey, str], SourceBand],
    key: LayerKey,
    file: FoundFile,
    number: int,
) -> None:
    source = SourceBand(file.path, number, file.fields.tile, file.size, file.modified)
    other = claims.setdefault((key, source.tile), source)
    if other is source:
        return
    tile = f" tile {source.tile}" if source.tile else ""
    what = f'collection "{table.id}": band "{key.band}" of {format_moment(key.moment)}{tile} is in'
    if other.path == source.path:
        raise ConfigError(
            f"{what} {file.path} twice, as raster bands {other.band} and {number}: "
            "set source_band to the name of the one that is meant."
        )
    raise ConfigError(
        f"{what} two files, {other.path} and {source.path}: "
        "make the pattern stricter, tell them apart by {tile}, or take one away."
    )


def _sorted_layers(
    table: CollectionTable, claims: Mapping[tuple[LayerKey, str], SourceBand]
) -> dict[LayerKey, tuple[SourceBand, ...]]:
    order = {name: position for position, name in enumerate(table.bands)}
    layers: dict[LayerKey, list[SourceBand]] = {}
    for (key, _), source in claims.items():
        layers.setdefault(key, []).append(source)
    keys = sorted(layers, key=lambda key: (key.moment, order[key.band]))
    return {key: tuple(sorted(layers[key], key=lambda source: source.tile)) for key in keys}


def _nothing_found(table: CollectionTable, pattern: PathPattern, folder: Path) -> str:
    place = _start(pattern, folder)
    whole = place.joinpath(*(segment.text for segment in pattern.segments))
    near = _nearby(pattern, folder)
    hint = f"near it there are {', '.join(map(str, near))}." if near else "its folder is empty."
    if not place.is_dir():
        hint = f"there is no folder {place}."
    return f'collection "{table.id}": no file matches source {whole}; {hint}'


def _nearby(pattern: PathPattern, folder: Path) -> list[Path]:
    """Up to three entries that are most like what the pattern asked for where it got stuck."""
    places: list[tuple[Path, dict[str, str]]] = [(_start(pattern, folder), {})]
    for depth in range(len(pattern.segments)):
        deeper = [
            (place / name, told)
            for place, known in places
            for name in _names(pattern, place, depth)
            if (told := pattern.match(depth, name, known)) is not None and (place / name).is_dir()
        ]
        if not deeper:
            break
        places = deeper[:100]
    entries = [path for place, _ in places if place.is_dir() for path in sorted(place.iterdir())]
    likeness = {
        path: difflib.SequenceMatcher(None, path.name, pattern.segments[depth].text).ratio()
        for path in entries[:1000]
    }
    return sorted(likeness, key=lambda path: (-likeness[path], path))[:3]
