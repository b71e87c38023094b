"""Writing the demo's rasters: each is whole or not there, and says that it is synthetic."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from shoestring_demo.season import SYNTHETIC
from shoestring_schema.errors import OutputError

Transform = tuple[float, float, float, float, float, float]


def write_raster(
    path: Path,
    bands: Mapping[str, npt.NDArray[np.generic]],
    *,
    crs: str,
    transform: Transform,
    nodata: float,
) -> None:
    """Write a GeoTIFF.

    Args:
        path: The file; its folder is made.
        bands: Arrays of one shape and type, by the names that the file gives them.
        crs: Such as ``EPSG:32630``.
        transform: Affine coefficients a to f.
        nodata: The number that means "no data".

    Raises:
        OutputError: The folder can't be written.
    """
    first = next(iter(bands.values()))
    unfinished = path.with_name(path.name + ".part")
    profile = {
        "driver": "GTiff", "count": len(bands), "dtype": str(first.dtype), "nodata": nodata,
        "height": first.shape[0], "width": first.shape[1],
        "crs": crs, "transform": Affine(*transform),
        "tiled": True, "blockxsize": 256, "blockysize": 256,
        "compress": "zstd", "zstd_level": 1, "predictor": 3 if first.dtype.kind == "f" else 2,
    }  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(unfinished, "w", **profile) as dataset:
            dataset.update_tags(TIFFTAG_IMAGEDESCRIPTION=SYNTHETIC)
            for number, (name, pixels) in enumerate(bands.items(), start=1):
                dataset.write(pixels, number)
                dataset.set_band_description(number, name)
        os.replace(unfinished, path)
    except (OSError, RasterioError) as error:
        raise OutputError(f"{path} can't be written ({error}): name another folder.") from None
