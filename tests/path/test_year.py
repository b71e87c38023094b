"""A year of nightly runs in which much goes wrong, and nobody helps."""

import json
import os
import shutil
import signal
from dataclasses import asdict
from pathlib import Path

import pytest

from shoestring_builder.build import build
from shoestring_builder.check.site import check
from support.disk import mounted
from support.mosaics import hidden, timeless
from support.whole_reader import WholeReader
from support.year import Night, Year

NIGHTS = int(os.environ.get("SHOESTRING_NIGHTS", "37"))
FIGURES = os.environ.get("SHOESTRING_YEAR")
"""A file that takes what each night was like, a line of JSON each."""

pytestmark = [
    pytest.mark.torture,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL."),
]


@pytest.mark.timeout(max(240, 20 * NIGHTS))
def test_a_year_ends_well(tmp_path: Path) -> None:
    """After kills, full disks, bad files, a reprocessing campaign and a month without power.

    Readers see only whole snapshots in every night; after a few quiet ones the site is, file by
    file, what one run over the same sources makes: nothing is missing, and nothing is left over.
    """
    with mounted(tmp_path / "disk", "size=96m") as disk:
        year = Year(disk, NIGHTS, disk=True, seed=NIGHTS)
        nights = _lived_through(year)
        assert {night.fault for night in nights} >= {"", "killed", "no power", "reprocessed"}
        assert [night.code for night in nights[-4:]] == [0, 0, 0, 0]
        assert (check(year.site).faults, hidden(year.site)) == ((), [])
        at_once = tmp_path / "at once"
        shutil.copytree(year.project, at_once, ignore=shutil.ignore_patterns("site"))
        build(at_once / "site.toml", progress=False)
        assert timeless(year.site) == timeless(at_once / "site")
    if FIGURES:
        lines = [json.dumps(asdict(night)) for night in nights]
        Path(FIGURES).write_text("\n".join(lines) + "\n", "utf-8")


def _lived_through(year: Year) -> list[Night]:
    """All nights, each with a reader; after each, what must hold whatever happened."""
    nights: list[Night] = []
    for number in year.numbers:
        if (year.site / "catalog.json").exists():
            with WholeReader(year.site) as reader:
                nights.append(year.night(number))
            assert reader.faults == [], nights[-1]
        else:
            nights.append(year.night(number))
        _require_sense(nights[-1])
        year.pass_a_day()
    return nights


def _require_sense(night: Night) -> None:
    """The exit code says what a monitor must know, and there is one sentence for each fault."""
    if night.fault in ("", "reprocessed", "clock set back"):
        assert night.code == 0, night
    elif night.fault == "killed":
        assert night.code in (0, -signal.SIGKILL), night
    elif night.fault in ("bad file", "half a file", "archive not mounted"):
        assert night.code == 1, night
        assert night.said.count("\n") <= 2, night
    elif night.fault == "full disk":
        assert night.code == 0 or "room" in night.said or "space" in night.said, night
