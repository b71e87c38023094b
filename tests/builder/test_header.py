"""What a source file says of itself."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS

from shoestring_builder.inventory.header import crs_text, read_header
from shoestring_schema.errors import SourceError
from support.mosaics import write_raster
from support.tools import shared_data


def test_a_geotiff_tells_crs_transform_types_and_nodata(tmp_path: Path) -> None:
    """The header of a GeoTIFF is what was written."""
    path = write_raster(tmp_path / "a.tif", np.zeros((2, 3, 4)), nodata=9, names=("red", ""))
    header = read_header(path)
    assert header.crs == "EPSG:32630"
    assert header.shape == (3, 4)
    assert header.transform == (10, 0, 500_000, 0, -10, 4_000_000)
    assert [(b.number, b.data_type, b.nodata, b.names) for b in header.bands] == [
        (1, "uint16", 9, ("red",)),
        (2, "uint16", 9, ()),
    ]


def test_a_file_without_georeference_has_no_crs(tmp_path: Path) -> None:
    """A file without a CRS can be opened, and says that it has none."""
    assert read_header(write_raster(tmp_path / "a.tif", crs=None)).crs is None


@pytest.mark.parametrize("content", [b"", b"no raster", b"II*\x00"])
def test_what_is_no_raster_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that GDAL can't open is a SourceError that names it."""
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.tif"):
        read_header(path)


@pytest.mark.parametrize("code", [4326, 32630, 3857, 3035])
def test_a_crs_with_a_code_is_written_by_it(code: int) -> None:
    """A CRS from GDAL's WKT comes back as its EPSG code."""
    assert crs_text(CRS.from_wkt(CRS.from_epsg(code).to_wkt())) == f"EPSG:{code}"


def test_a_crs_without_a_code_is_written_as_wkt() -> None:
    """A custom CRS is WKT 2 that means the same CRS."""
    custom = CRS.from_string("+proj=sinu +R=6371007.181 +units=m")
    text = crs_text(custom)
    assert text.startswith("PROJCRS[")
    assert CRS.from_user_input(text) == custom
    assert crs_text(CRS.from_user_input(text)) == text


def test_grib_tells_the_valid_time_of_each_raster_band() -> None:
    """The real GRIB's 744 raster bands are the hours of March 2019, and called 2T."""
    header = read_header(shared_data("era5") / "era5-2mt-2019-03-uk.grib")
    assert len(header.bands) == 744
    assert header.bands[0].time == datetime(2019, 3, 1, 0, tzinfo=UTC)
    assert header.bands[-1].time == datetime(2019, 3, 31, 23, tzinfo=UTC)
    assert len(header.named("2T")) == 744


def test_netcdf_tells_the_valid_time_of_each_raster_band() -> None:
    """The real netCDF's dates come from its time axis and its units."""
    folder = shared_data("crop-patch")
    name = "S2_L2A_10m_00002806639B424A_32631_2017-08-01_2018-11-30.nc"
    header = read_header(Path(f"netcdf:{folder / name}:B04"))
    assert len(header.bands) == 118
    assert header.bands[0].time == datetime(2017, 8, 4, 10, 53, 28, tzinfo=UTC)
    assert header.bands[1].time == datetime(2017, 8, 14, 10, 55, 17, tzinfo=UTC)
    assert len(header.named("B04")) == 118


def test_a_file_of_several_data_sets_is_refused() -> None:
    """A netCDF file with several variables is told of, with the remedy."""
    folder = shared_data("crop-patch")
    with pytest.raises(SourceError, match="holds no raster of its own but 4 data sets"):
        read_header(folder / "S2_L2A_10m_00002806639B424A_32631_2017-08-01_2018-11-30.nc")
