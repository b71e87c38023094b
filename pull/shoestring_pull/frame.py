"""The settings that a copy's documents are made with, from the documents of its site. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from shoestring_builder.describe.item import VRT_TYPE, Frame, frame_of
from shoestring_builder.inventory.survey import Survey
from shoestring_builder.layer import BandRecipe
from shoestring_pull.upstream import Json, Upstream, UpstreamCollection
from shoestring_schema.configuration import (
    BandTable,
    CatalogueTable,
    CollectionTable,
    CommonName,
    MaskTable,
)
from shoestring_schema.grid import Grid
from shoestring_schema.site import BandDocument, MaskDocument


def catalogue_table(upstream: Upstream, *, database: bool) -> CatalogueTable:
    """The settings of a site.

    Args:
        upstream: The site.
        database: Whether `database.json` is written.
    """
    document = upstream.document
    return CatalogueTable(
        id=document.id,
        title=document.title,
        description=document.description or None,
        database=database,
    )


def make_frame(collection: UpstreamCollection, bands: Sequence[BandDocument], grid: Grid) -> Frame:
    """The settings of a collection.

    Args:
        collection: The collection upstream.
        bands: The bands of the copy, in order.
        grid: The grid of the copy.
    """
    names = {band.name for band in bands}
    mask = collection.document.mask
    mask = mask if mask is not None and mask.band in names else None
    fields = _mapping(collection.raw.get("item_assets"))
    layout = _layout(fields, bands)
    survey = Survey(
        grid=grid,
        bands=tuple(bands),
        recipes={band.name: recipe_of(band, grid, mask, layout) for band in bands},
        mask=mask,
    )
    return frame_of(_table(collection, bands, fields, mask, layout), survey)


def recipe_of(
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
    collection: UpstreamCollection,
    bands: Sequence[BandDocument],
    fields: Json,
    mask: MaskDocument | None,
    layout: str,
) -> CollectionTable:
    document = collection.document
    title = document.title or document.id
    return CollectionTable(
        id=document.id,
        source="",
        bands={band.name: _band(band, _mapping(fields.get(band.name)), mask) for band in bands},
        title=document.title,
        description=None if document.description in ("", title) else document.description,
        license=document.license,
        attribution=_attribution(collection.raw),
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
