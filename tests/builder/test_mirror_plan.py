"""What a copy needs, and what it needs no more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shoestring_builder.clock import format_instant
from shoestring_builder.mirror.address import open_target
from shoestring_builder.mirror.patience import ATTEMPTS, persist
from shoestring_builder.mirror.plan import lost_pointers, missing, outdated, snapshots_to_keep
from shoestring_builder.mirror.target import Outgoing, Stored
from shoestring_schema.errors import PublishError, TransferError
from shoestring_schema.site import SnapshotDocument, SnapshotMark

NOW = datetime(2018, 2, 3, 12, tzinfo=UTC)
HASH = "0123456789abcdef"


def snapshot(letter: str, begun: float, ended: float | None = None) -> SnapshotDocument:
    """A snapshot, by the hours since it began and ended."""
    time, until = (
        None if hours is None else format_instant(NOW - timedelta(hours=hours))
        for hours in (begun, ended)
    )
    assert time is not None
    return SnapshotDocument(id=letter * 16, time=time, until=until)


def keep(
    site: list[SnapshotDocument], copy: list[SnapshotDocument], hours: float = 20
) -> dict[str, str | None]:
    """The snapshots that a copy keeps as it shows the site's last, and when each ended."""
    mark = SnapshotMark(id=site[-1].id, time=site[-1].time)
    kept = snapshots_to_keep(tuple(site), tuple(copy), mark, timedelta(hours=hours), NOW)
    return {own.id[0]: own.until for own in kept}


def outgoing(name: str, size: int = 5, time: float = 0) -> Outgoing:
    """A file that may travel."""
    return Outgoing(name, Path("/site") / name, size, time)


def test_what_a_copy_shows_ends_when_it_shows_another() -> None:
    """A copy keeps what it has shown for so long from then on, however long ago the site ended it."""
    kept = keep([snapshot("a", 90, 80), snapshot("b", 80)], [snapshot("a", 90)])
    assert kept == {"a": format_instant(NOW), "b": None}


def test_a_copy_forgets() -> None:
    """A snapshot goes from the list of a copy when it has ended for so long."""
    kept = keep([snapshot("c", 5)], [snapshot("a", 90, 20), snapshot("b", 80, 19.9)])
    assert list(kept) == ["b", "c"]


def test_what_a_site_still_keeps_travels_too() -> None:
    """A snapshot that ended on the site less than so long ago is in the copy as well."""
    kept = keep([snapshot("a", 90, 21), snapshot("b", 80, 5), snapshot("c", 5)], [])
    assert list(kept) == ["b", "c"]


def test_a_site_that_went_back() -> None:
    """What a copy has ended is current again after a rollback, and the other one ends now."""
    kept = keep([snapshot("a", 90)], [snapshot("a", 90, 10), snapshot("b", 10)])
    assert kept == {"a": None, "b": format_instant(NOW)}


def test_nothing_new_is_the_same_list() -> None:
    """A list that is as it should be stays so, to the last bit."""
    copy = [snapshot("a", 90, 10), snapshot("b", 80)]
    mark = SnapshotMark(id="b" * 16, time=copy[1].time)
    kept = snapshots_to_keep((snapshot("b", 80),), tuple(copy), mark, timedelta(hours=20), NOW)
    assert kept == tuple(copy)


def test_what_names_others_comes_after_them() -> None:
    """Layers and sources travel first, then the documents of years, collections and snapshots."""
    names = (
        f"catalog-{HASH}.json", f"s2/collection-{HASH}.json", f"s2/2018/items-{HASH}.json",
        f"s2/2018/a_B04-{HASH}.tif", f"s2/2018/index-{HASH}.bin", "tiles/a.json",
    )  # fmt: skip
    waves = missing({name: outgoing(name) for name in names}, {})
    assert [[file.name for file in wave] for wave in waves] == [
        sorted(names[3:]), [names[2]], [names[1]], [names[0]],
    ]  # fmt: skip


def test_only_what_is_missing_travels() -> None:
    """A file that is there in its size stays, unless its name may stand for another content."""
    files = [
        outgoing(f"s2/2018/there-{HASH}.tif", time=9), outgoing(f"s2/2018/torn-{HASH}.tif"),
        outgoing("tiles/there.tif", time=7), outgoing("tiles/newer.tif", time=9),
    ]  # fmt: skip
    listing = {file.name: Stored(5, 8.0) for file in files}
    listing[files[1].name] = Stored(4, 8.0)
    (wave,) = missing({file.name: file for file in files}, listing)
    assert wave == [files[1], files[3]]


def test_only_what_is_ours_goes() -> None:
    """Of a copy goes what is of our making, in a collection's folder, old, and named by nobody."""
    old = f"s2/2018/old-{HASH}.tif"
    listing = dict.fromkeys(
        [old, f"s2/2018/named-{HASH}.tif", "s2/2018/mine.tif", f"other/2018/old-{HASH}.tif",
         f"s2/collection-{HASH}.json", f"catalog-{HASH}.json"],
        Stored(1, 5.0),
    ) | {f"s2/2018/young-{HASH}.tif": Stored(1, 6.0)}  # fmt: skip
    gone = outdated(listing, {f"s2/2018/named-{HASH}.tif"}, {"s2"}, 6.0)
    assert gone == [f"catalog-{HASH}.json", f"s2/collection-{HASH}.json", old]


def test_pointers_that_a_snapshot_lacks_go() -> None:
    """A collection that is shown no more loses its pointers, and nothing else its own."""
    names = ["catalog.json", "a/collection.json", "b/collection.json", "b/mine.json",
             "b/database.json", "c/collection.json"]  # fmt: skip
    lost = lost_pointers(names, {"catalog.json", "a/collection.json"}, {"a", "b"})
    assert lost == ["b/collection.json", "b/database.json"]


@pytest.mark.parametrize("address", ["ftp://example.org/site", "https://example.org/site"])
def test_addresses_that_are_no_targets(address: str, tmp_path: Path) -> None:
    """An address of another kind is refused by a sentence that names the kinds that there are."""
    with pytest.raises(PublishError, match=r"s3://, gs:// or az://"), open_target(
        address, tmp_path, jobs=1, dry_run=True
    ):  # fmt: skip
        pass


def test_patience() -> None:
    """What passes is tried again after longer and longer waits, what does not is not."""
    waits: list[float] = []

    def fail() -> None:
        raise TransferError("No.", passing=True)

    def refuse() -> None:
        raise TransferError("Never.")

    with pytest.raises(TransferError, match="No"):
        persist(fail, pause=waits.append)
    assert waits == [1, 2, 4, 8, 16]
    assert len(waits) == ATTEMPTS - 1
    with pytest.raises(TransferError, match="Never"):
        persist(refuse, pause=waits.append)
    assert len(waits) == ATTEMPTS - 1
