"""The builder's configuration as typed values."""

import pytest

from shoestring_schema.configuration import parse_configuration
from shoestring_schema.duration import parse_duration
from shoestring_schema.errors import ConfigError

GOOD = """
[catalogue]
id = "ghana"
[[collections]]
id = "s2"
source = "S2_{date}_{band}.tif"
[collections.bands.B04]
nodata = 0
[collections.bands.SCL]
resampling = "nearest"
[collections.mask]
band = "SCL"
clear = [4, 5]
"""


def test_a_good_configuration_is_read() -> None:
    """What is written is read, and what is left out has its default."""
    configuration = parse_configuration(GOOD, "c.toml")
    assert configuration.catalogue.output == "site"
    (collection,) = configuration.collections
    assert list(collection.bands) == ["B04", "SCL"]
    assert collection.bands["B04"].resampling == "bilinear"
    assert (collection.mask.band, collection.mask.clear) == ("SCL", (4, 5))
    assert collection.layout == "cog"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "s2"', r'id = "s2\n"', "matching regex"),
        ("nodata = 0", "nodat = 0", r'unknown key "nodat" .*; did you mean "nodata"\?'),
        ("nodata = 0", "zzz = 0", r'unknown key "zzz" in collections.*bands.*; see the reference'),
        ('id = "ghana"', 'id = "g"\nkeep = "a month"', 'in catalogue.keep: expected a number and a unit'),
        ('id = "ghana"', 'id = "g"\nsettle = "5"', 'such as "30 days", "1 hour" or "90 seconds"'),
        ('id = "s2"', 'id = "s2"\non_missing = "drp"', "Invalid enum value 'drp'"),
        ('id = "ghana"', "", "missing required field `id`"),
        ('id = "ghana"', 'id = "../up"', "in catalogue.id"),
        ('id = "s2"', 'id = "a b"', "in collections"),
        ("nodata = 0", 'nodata = "zero"', "Expected `float"),
        ('"nearest"', '"nerest"', "Invalid enum value 'nerest'"),
        ("clear = [4, 5]", "", "mask needs either clear"),
        ("clear = [4, 5]", "clear = [4]\nclear_below = 20", "mask needs either clear"),
        ('band = "SCL"', 'band = "SLC"', 'mask.band "SLC" is not one of its bands: B04, SCL'),
        ("bands.SCL]", "bands.b04]", 'names "B04" and "b04" differ by nothing but case'),
        ("[catalogue]", "[catalogue", "is not TOML"),
        ("nodata = 0", "factor = 0", "in collections"),
        ('source = "S2_{date}_{band}.tif"', "", "missing required field `source`"),
        ('id = "ghana"', 'id = "ghana"\nbase_url = "ftp://host"', "in catalogue.base_url"),
        ('id = "s2"', 'id = "s2"\nblock_size = 100', r"in collections\[0\].block_size: Invalid enum value 100"),
        ("nodata = 0", "max_error = -1", r"in collections.*bands.*>= 0"),
        ("nodata = 0", "max_error = nan", "finite|>= 0"),
        ("nodata = 0", "max_error = inf", "bands.B04.max_error must be a finite number"),
        ('id = "s2"', 'id = "s2"\nlayout = "vrt"\nbands.B05.max_error = 1', "a VRT reads files as they are"),
        ('resampling = "nearest"', "max_error = 1", "bands.SCL.max_error: the mask tells what is clear"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    """A mistake is told in one sentence that names the file and the key."""
    assert GOOD.count(old) == 1
    with pytest.raises(ConfigError, match=says) as caught:
        parse_configuration(GOOD.replace(old, new), "c.toml")
    assert str(caught.value).startswith("c.toml")
    assert "\n" not in str(caught.value)


def test_a_configuration_without_collections_is_refused() -> None:
    """Without a collection there is nothing to build."""
    with pytest.raises(
        ConfigError,
        match="there is no .*collections.* table|missing required field",  # noqa: RUF043
    ):
        parse_configuration('collections = []\n[catalogue]\nid = "a"', "c.toml")


def test_two_collections_of_one_name_are_refused() -> None:
    """Two collections would write into one folder."""
    second = GOOD[GOOD.index("[[collections]]") :].replace('"s2"', '"S2"')
    with pytest.raises(
        ConfigError, match='collection names "s2" and "S2" differ by nothing but case'
    ):
        parse_configuration(GOOD + second, "c.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0 seconds", 0), ("1 second", 1), ("90 seconds", 90), ("20 minutes", 1200),
     ("1 hour", 3600), ("30 days", 30 * 86400), ("4 weeks", 28 * 86400)],
)  # fmt: skip
def test_durations(text: str, seconds: int) -> None:
    """A length of time is a number and a unit, in the singular or the plural."""
    assert parse_duration(text).total_seconds() == seconds
    good = GOOD.replace('id = "ghana"', f'id = "ghana"\nkeep = "{text}"')
    assert parse_configuration(good, "c.toml").catalogue.keep == text
