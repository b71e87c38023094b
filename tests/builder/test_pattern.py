"""Path patterns: what they read from a path, and what they refuse."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring_builder.inventory.pattern import PathFields, PathPattern, parse_pattern
from shoestring_schema.errors import ConfigError

BANDS = {"B04": "B04", "B4": "near-red", "SCL": "SCL"}


def read(pattern: PathPattern, *names: str) -> PathFields | None:
    """Match a whole path, name by name."""
    known: dict[str, str] | None = {}
    for depth, name in enumerate(names):
        known = pattern.matcher(depth, known or {})(name)
        if known is None:
            return None
    return pattern.fields(known or {})


FORMS = ["%Y-%m-%d", "%Y%j", "%y%m%d", "%d%b%Y", "%Y%m%dT%H%M%S", "%Y_%j_%H"]


@settings(deadline=None, max_examples=150)
@given(
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)),
    form=st.sampled_from(FORMS),
    band=st.sampled_from(sorted(BANDS)),
    tile=st.text("ABC019", min_size=1, max_size=5),
    filler=st.text("xyz_.-", max_size=6),
)
def test_a_path_that_a_pattern_writes_is_read_back(
    moment: datetime, form: str, band: str, tile: str, filler: str
) -> None:
    """Date, band and tile that were put into a path come out of it, in every form of date."""
    pattern = parse_pattern(f"{{tile}}/{{*}}_{{tile}}_{{date:{form}}}_{{band}}.tif", BANDS)
    written = moment.strftime(form)
    found = read(pattern, tile, f"{filler}_{tile}_{written}_{band}.tif")
    day = datetime.strptime(written, form).replace(tzinfo=UTC)
    assert found == PathFields(day if "%H" in form else day.date(), BANDS[band], tile)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("S2_{date}_{band}.tif", ["S2_2018-01-02_B04.tif"], (date(2018, 1, 2), "B04", "")),
        ("{date:%Y}/{date:%m}/{date:%d}.tif", ["2018", "02", "03.tif"], (date(2018, 2, 3), None, "")),
        ("{date:%Y}/{*}/{date:%Y%j}.tif", ["2018", "x", "2018032.tif"], (date(2018, 2, 1), None, "")),
        ("{date:%Y%m}.tif", ["201807.tif"], (date(2018, 7, 1), None, "")),
        ("{date:%b%Y}.tif", ["JUL2018.tif"], (date(2018, 7, 1), None, "")),
        ("{date}{band}.tif", ["2018-01-02B4.tif"], (date(2018, 1, 2), "near-red", "")),
        ("{tile}_{date}.tif", ["a_b_2018-01-02.tif"], (date(2018, 1, 2), None, "a_b")),
        ("a+(b)/{date}.tif", ["2018-01-02.tif"], (date(2018, 1, 2), None, "")),
    ],
)  # fmt: skip
def test_fields_are_found(text: str, names: list[str], expected: tuple[object, ...]) -> None:
    """Each pattern reads its path as a person would."""
    found = read(parse_pattern(text, BANDS), *names)
    assert found is not None
    assert (found.moment, found.band, found.tile) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("S2_{date}_{band}.tif", ["S2_2018-01-02_B05.tif"]),  # not a configured band
        ("S2_{date}.tif", ["S2_2018-02-30.tif"]),  # no such day
        ("S2_{date:%Y%j}.tif", ["S2_2018366.tif"]),  # not a leap year
        ("S2_{date}.tif", ["S2_2018-01-02.tif.aux.xml"]),
        ("{date:%Y}/{date:%Y%m%d}.tif", ["2018", "20190101.tif"]),  # the years disagree
        ("{date:%Y%j_%m}.tif", ["2018001_02.tif"]),  # the months disagree
        ("{tile}/{tile}_{date}.tif", ["A", "B_2018-01-02.tif"]),
    ],
)
def test_what_does_not_fit_is_no_match(text: str, names: list[str]) -> None:
    """A name that does not fit, or contradicts a folder above it, is no match."""
    assert read(parse_pattern(text, BANDS), *names) is None


def test_a_repeated_field_divides_an_ambiguous_name() -> None:
    """A tile known from the folder is found whole in the file's name, underscores and all."""
    pattern = parse_pattern("{tile}/{tile}_{date}.tif", BANDS)
    found = read(pattern, "T30_x", "T30_x_2018-01-02.tif")
    assert found is not None
    assert found.tile == "T30_x"


def test_hours_make_an_instant_in_utc() -> None:
    """A date with hours is an aware datetime in UTC; missing minutes are zero."""
    found = read(parse_pattern("{date:%Y%m%d%H}.tif", BANDS), "2018010213.tif")
    assert found is not None
    assert found.moment == datetime(2018, 1, 2, 13, tzinfo=UTC)


@pytest.mark.parametrize("text", [r"C:\data\{date}_{band}.tif", "C:/data/{date}_{band}.tif"])
def test_backslashes_part_folders_too(text: str) -> None:
    """A pattern written on Windows has the same folder and file name as one with slashes."""
    pattern = parse_pattern(text, BANDS)
    assert pattern.anchor == "C:/data"
    assert [segment.text for segment in pattern.segments] == ["{date}_{band}.tif"]


def test_the_root_of_a_drive_is_absolute() -> None:
    """``C:/{date}.tif`` starts at the drive's root, not at its current folder."""
    assert parse_pattern("C:/{date}.tif", BANDS).anchor == "C:/"
    assert parse_pattern("/{date}.tif", BANDS).anchor == "/"
    assert parse_pattern("{date}.tif", BANDS).anchor == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("S2_{dat}.tif", "unknown field {dat}"),
        ("S2_{band:%Y}.tif", "unknown field {band:%Y}"),
        ("S2_{}_{date}.tif", "unknown field {}"),
        ("S2_{date.tif", "has no partner"),
        ("S2_date}.tif", "has no partner"),
        ("{date:%Y/%m}/x.tif", "has no partner"),
        ("{date:%Q}.tif", "unknown date directive %Q"),
        ("S2_{band}.tif", "no date with a year"),
        ("S2_{date:%m%d}.tif", "no date with a year"),
        ("S2_{date:%Y%d}.tif", "no month"),
        ("S2_{date:%Y%m%d%M}.tif", "no hours"),
        ("mosaics/{date}/", "names a folder"),
    ],
)
def test_a_wrong_pattern_is_refused(text: str, sentence: str) -> None:
    """Each mistake in a pattern is a sentence that quotes the pattern."""
    with pytest.raises(ConfigError) as refused:
        parse_pattern(text, BANDS)
    assert sentence in str(refused.value)
    assert f'"{text}"' in str(refused.value)


def test_a_date_is_not_needed_where_the_files_tell_it() -> None:
    """With time = "metadata" a plain path is a pattern."""
    pattern = parse_pattern("era5/march.grib", {"t2m": "t2m"}, needs_date=False)
    assert (pattern.anchor, pattern.segments[0].text) == ("era5", "march.grib")
