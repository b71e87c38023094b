"""The settings of a site and its collections, as far as their documents tell them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from shoestring_builder.describe.item import VRT_TYPE, Frame, frame_of
from shoestring_builder.describe.pointers import base_url_of
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import BandRecipe
from shoestring_schema.configuration import (
    BandTable,
    CatalogueTable,
    CollectionTable,
    CommonName,
    DoorName,
    MaskTable,
)
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument, CatalogDocument, CollectionDocument, MaskDocument

Json = Mapping[str, Any]


def told_catalogue(document: CatalogDocument, *, database: bool = True) -> CatalogueTable:
    """The settings of a site.

    Args:
        document: Its snapshot's document, or the pointer to it.
        database: Whether `database.json` is written.
    """
    doors = document.doors
    known = None if doors is None else [name for name in doors if name in get_args(DoorName)]
    return CatalogueTable(
        id=document.id,
        title=document.title,
        description=document.description or None,
        base_url=base_url_of(document.links),
        database=database,
        doors=None if known is None else cast("tuple[DoorName, ...]", tuple(known)),
    )


def told_frame(
    document: CollectionDocument, raw: Json, bands: Sequence[BandDocument], grid: Grid
) -> Frame:
    """The settings of a collection: all that its items and itself are described by.

    Args:
        document: The collection's document.
        raw: The same, with all that the contract does not list.
        bands: The bands that it shall have, in order.
        grid: The grid that it shall have.
    """
    names = {band.name for band in bands}
    mask = document.mask
    mask = mask if mask is not None and mask.band in names else None
    fields = _mapping(raw.get("item_assets"))
    layout = _layout(fields, bands)
    survey = Survey(
        grid=grid,
        bands=tuple(bands),
        recipes={band.name: _recipe(band, grid, mask, layout) for band in bands},
        mask=mask,
    )
    return frame_of(_table(document, raw, bands, fields, mask, layout), survey)


def _recipe(
    band: BandDocument, grid: Grid, mask: MaskDocument | None, layout: str = "cog"
) -> BandRecipe:
    """What is known of how a band's layers are made: enough to read them back."""
    return BandRecipe(
        name=band.name,
        grid=grid.coarsen(band.factor),
        data_type=band.data_type,
        nodata=None if band.nodata is None else float(band.nodata),
        scale=band.scale,
        offset=band.offset,
        unit=band.unit,
        resampling="bilinear",
        overview_resampling="average",
        may_reproject=False,
        layout=layout,
        block_size=0,
        step=0.0,
        clear=mask if mask is not None and mask.band == band.name else None,
    )


def _table(
    document: CollectionDocument,
    raw: Json,
    bands: Sequence[BandDocument],
    fields: Json,
    mask: MaskDocument | None,
    layout: str,
) -> CollectionTable:
    title = document.title or document.id
    return CollectionTable(
        id=document.id,
        source="",
        bands={band.name: _band(band, _mapping(fields.get(band.name)), mask) for band in bands},
        title=document.title,
        description=None if document.description in ("", title) else document.description,
        license=document.license,
        attribution=_attribution(raw),
        layout="vrt" if layout == "vrt" else "cog",
        mask=None if mask is None else MaskTable(mask.band, mask.clear, mask.clear_below),
    )


def _band(band: BandDocument, fields: Json, mask: MaskDocument | None) -> BandTable:
    return BandTable(
        title=band.title,
        common_name=cast("CommonName | None", band.common_name),
        center_wavelength=_wavelength(fields),
        unit=band.unit,
        nodata=None if band.nodata is None else float(band.nodata),
        scale=band.scale,
        offset=band.offset,
        data_type=band.data_type,
        resampling="nearest" if mask is not None and mask.band == band.name else "bilinear",
        factor=band.factor,
    )


def _layout(fields: Json, bands: Sequence[BandDocument]) -> str:
    kinds = {_mapping(fields.get(band.name)).get("type") for band in bands}
    return "vrt" if VRT_TYPE in kinds else "cog"


def _attribution(raw: Json) -> str | None:
    providers = raw.get("providers")
    first = _mapping(providers[0] if isinstance(providers, list) and providers else None)
    name = first.get("name")
    return name if isinstance(name, str) else None


def _wavelength(fields: Json) -> float | None:
    bands = fields.get("bands")
    first = _mapping(bands[0] if isinstance(bands, list) and bands else None)
    found = first.get("eo:center_wavelength")
    return float(found) if isinstance(found, int | float) and found > 0 else None


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    return value if isinstance(value, dict) else {}
