"""Thumbnails: small PNGs in colour or grey, transparent where there is no data."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from shoestring_builder.render.layer_file import render
from shoestring_builder.render.thumbnail import chosen_bands, thumbnail
from shoestring_schema.configuration import BandTable
from shoestring_schema.errors import PublishError
from shoestring_schema.grid import Grid
from support.layers import Array, order, recipe, rendered, square, write_tiff
from support.tools import shared_data

UTM = "EPSG:32633"
RGB = {
    "SCL": BandTable(resampling="nearest"),
    "B02": BandTable(common_name="blue"),
    "B03": BandTable(common_name="green"),
    "B04": BandTable(common_name="red"),
}


def layer(folder: Path, pixels: Array, grid: Grid | None = None) -> Path:
    """A rendered layer of these pixels; 0 is no data."""
    grid = grid or square(UTM, 500_000, 5_000_000, 10, pixels.shape)  # type: ignore[arg-type]
    path = write_tiff(folder / "in.tif", pixels, grid, nodata=0)
    return rendered([path], recipe(grid, pixels.dtype.name), folder).path


def picture(path: Path) -> Array:
    """Channels of a PNG."""
    with pytest.warns(NotGeoreferencedWarning):
        dataset = rasterio.open(path)
    with dataset:
        assert dataset.driver == "PNG"
        pixels: Array = dataset.read()
        return pixels


def ramp(shape: tuple[int, int]) -> Array:
    """Numbers from 1, growing to the right and downwards."""
    return np.arange(1, shape[0] * shape[1] + 1, dtype=np.uint16).reshape(shape)


def test_red_green_and_blue_make_a_picture_in_colour(tmp_path: Path) -> None:
    """Red is the first channel whatever the order of the bands, and all are stretched alike."""
    shape = (40, 60)
    layers = {}
    for name, level in (("B02", 100), ("B03", 200), ("B04", 300), ("SCL", 4)):
        layers[name] = layer(tmp_path / name, np.full(shape, level, np.uint16))
    made = thumbnail(layers, RGB, tmp_path / "out.png")
    assert made is not None
    pixels = picture(made.path)
    assert pixels.shape == (4, 40, 60)
    assert pixels[:, 5, 5].tolist() == [255, 128, 0, 255]


def test_one_band_is_drawn_in_grey_from_dark_to_bright(tmp_path: Path) -> None:
    """Two percent at each end are black and white; no data is transparent."""
    pixels = ramp((100, 100))
    pixels[:30] = 0
    made = thumbnail({"B04": layer(tmp_path, pixels)}, RGB, tmp_path / "out.png")
    assert made is not None
    grey, alpha = picture(made.path)
    assert not alpha[:30].any()
    assert np.all(alpha[30:] == 255)
    seen = grey[30:].ravel()
    assert np.all(np.diff(seen.astype(int)) >= 0)
    assert np.mean(seen == 0) == pytest.approx(0.02, abs=0.005)
    assert np.mean(seen == 255) == pytest.approx(0.02, abs=0.005)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((49, 33), (49, 33)), ((1000, 500), (256, 128)), ((3, 2000), (1, 256)), ((1, 1), (1, 1))],
)
def test_the_longest_side_is_256_pixels_at_most(
    shape: tuple[int, int], expected: tuple[int, int], tmp_path: Path
) -> None:
    """Smaller layers keep their size, larger ones their shape."""
    made = thumbnail({"B04": layer(tmp_path, ramp(shape))}, RGB, tmp_path / "out.png")
    assert made is not None
    assert picture(made.path).shape[1:] == expected


def test_the_same_pixels_give_the_same_bytes_and_no_sidecar(tmp_path: Path) -> None:
    """Size and checksum are those of the file, which is the only one."""
    pixels = ramp((300, 300))
    made = []
    for name in ("one", "two"):
        (tmp_path / name / "out").mkdir(parents=True)
        made.append(
            thumbnail(
                {"B04": layer(tmp_path / name, pixels)}, RGB, tmp_path / name / "out" / "a.png"
            )
        )
    data = (tmp_path / "one" / "out" / "a.png").read_bytes()
    assert data == (tmp_path / "two" / "out" / "a.png").read_bytes()
    assert [path.name for path in (tmp_path / "one" / "out").iterdir()] == ["a.png"]
    assert made[0] is not None
    assert made[0].size == len(data)
    assert made[0].checksum == "1220" + hashlib.sha256(data).hexdigest()


def test_which_bands_are_drawn() -> None:
    """Colours where all three are there; else the first measurement; else classes; else nothing."""
    assert chosen_bands(list(RGB), RGB) == ("B04", "B03", "B02")
    assert chosen_bands(["SCL", "B02", "B04"], RGB) == ("B02",)
    assert chosen_bands(["SCL"], RGB) == ("SCL",)
    assert chosen_bands([], RGB) == ()


def test_an_item_without_layers_has_no_picture(tmp_path: Path) -> None:
    """Nothing is written."""
    assert thumbnail({}, RGB, tmp_path / "out.png") is None
    assert not (tmp_path / "out.png").exists()


def test_a_layer_without_data_is_wholly_transparent(tmp_path: Path) -> None:
    """A date on which the satellite saw nothing is no error."""
    made = thumbnail(
        {"B04": layer(tmp_path, np.zeros((5, 5), np.uint16))}, RGB, tmp_path / "out.png"
    )
    assert made is not None
    assert not picture(made.path).any()


def test_bands_of_other_sizes_are_brought_to_the_firsts(tmp_path: Path) -> None:
    """Red at 20 m beside green and blue at 10 m."""
    layers = {name: layer(tmp_path / name, ramp((40, 60))) for name in ("B02", "B03")}
    layers["B04"] = layer(tmp_path / "B04", ramp((20, 30)))
    made = thumbnail(layers, RGB, tmp_path / "out.png")
    assert made is not None
    assert picture(made.path).shape == (4, 20, 30)


def test_rows_that_count_northwards_are_turned(tmp_path: Path) -> None:
    """North is at the top of the picture."""
    grid = Grid(UTM, (10, 0, 500_000, 0, 10, 5_000_000), (10, 10))
    made = thumbnail({"B04": layer(tmp_path, ramp((10, 10)), grid)}, RGB, tmp_path / "out.png")
    assert made is not None
    grey = picture(made.path)[0]
    assert grey[0, 0] > grey[-1, 0]


def test_a_vrt_is_drawn_before_it_is_in_its_place(tmp_path: Path) -> None:
    """Its hrefs are relative to the folder that it will lie in."""
    grid = square(UTM, 500_000, 5_000_000, 10, (64, 64))
    path = write_tiff(
        tmp_path / "tiled" / "a.tif",
        ramp((64, 64)),
        grid,
        0,
        tiled=True,
        blockxsize=32,
        blockysize=32,
    )
    task = order([path], recipe(grid, layout="vrt"), tmp_path, home=tmp_path / "s2" / "2018")
    made = thumbnail({"B04": render(task).path}, RGB, tmp_path / "out.png", home=task.home)
    as_cog = thumbnail({"B04": layer(tmp_path / "cog", ramp((64, 64)))}, RGB, tmp_path / "cog.png")
    assert made is not None
    assert as_cog is not None
    assert made.checksum == as_cog.checksum


def test_real_reflectance(tmp_path: Path) -> None:
    """A Sentinel-2 tile in natural colours: neither black nor white, and most of it opaque."""
    folder = next(shared_data("s2-tiles").glob("S2B_33TWL_20230810*"))
    grid = square(UTM, 499_980, 5_100_000, 120, (915, 915))
    layers = {
        name: rendered([folder / f"{name}.tif"], recipe(grid), tmp_path).path
        for name in ("B02", "B03", "B04")
    }
    made = thumbnail(layers, RGB, tmp_path / "out.png")
    assert made is not None
    pixels = picture(made.path)
    assert pixels.shape == (4, 256, 256)
    assert 30 < pixels[:3].mean() < 225
    assert np.mean(pixels[3] == 255) > 0.8


def test_a_damaged_layer_is_named(tmp_path: Path) -> None:
    """What was rendered and spoilt since is told, not drawn."""
    path = layer(tmp_path, ramp((300, 300)))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(PublishError, match=path.name):
        thumbnail({"B04": path}, RGB, tmp_path / "out.png")


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """No folder, no picture, one sentence."""
    with pytest.raises(PublishError, match=r"gone can't be written"):
        thumbnail({"B04": layer(tmp_path, ramp((9, 9)))}, RGB, tmp_path / "gone" / "out.png")
