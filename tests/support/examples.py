"""The sites that the examples' configurations make of the real data."""

from pathlib import Path

from shoestring_builder.build import build
from support.tools import shared_data

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GRIB = "era5-2mt-2019-03-uk.grib"
HOURS = 744
"""Messages in it: the hours of March 2019."""

SOME_HOURS = 30
"""Those that tests build a site of."""


def build_example(name: str, folder: Path) -> Path:
    """Build an example into a folder of the test's own; the site."""
    shared = shared_data(name).parent.as_posix()
    text = (EXAMPLES / f"{name}.toml").read_text("utf-8")
    assert '"../../shared/data/' in text
    return _build(name, text.replace("../../shared/data", shared), folder, workers=2)


def build_weather(folder: Path) -> Path:
    """Build the example of ERA5 from a day and some hours: a GRIB file is its messages.

    Of a whole month GDAL opens the file, with all of its hours, for each of them.
    """
    data = (shared_data("era5") / GRIB).read_bytes()
    message = len(data) // HOURS
    assert all(data[start : start + 4] == b"GRIB" for start in range(0, len(data), message))
    (folder / GRIB).write_bytes(data[: SOME_HOURS * message])
    text = (EXAMPLES / "era5.toml").read_text("utf-8")
    return _build("era5", text.replace("../../shared/data/era5/", ""), folder, workers=1)


def _build(name: str, text: str, folder: Path, *, workers: int) -> Path:
    config = folder / f"{name}.toml"
    config.write_text(text, "utf-8")
    assert not build(config, workers=workers, progress=False).failed
    return folder / f"site-{name}"
