"""A site's copy in an object store: a real server that speaks S3."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import shoestring
from shoestring_builder.clock import now
from shoestring_builder.doors.names import pointer_of
from shoestring_builder.media import is_hashed
from shoestring_builder.mirror import object_target, patience, run
from shoestring_builder.mirror.object_target import PIECE, ObjectTarget, attributes
from shoestring_builder.mirror.report import CopyReport
from shoestring_builder.mirror.run import copy_site
from shoestring_builder.mirror.target import Outgoing
from shoestring_schema.errors import MissingExtraError, TransferError
from support.command import run_here
from support.evolving import Evolving, evolve
from support.mosaics import age, tree
from support.s3 import BUCKET, S3, credentials, s3_server
from support.spoilt_line import Call, Cut, Half, Refused, SpoiltLine

pytest.importorskip("obstore")

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A server, known to this process."""
    with s3_server() as server, credentials(server):
        yield server


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Evolving:
    """A site in the evening and in the morning."""
    return evolve(tmp_path_factory.mktemp("sites"))


def copy(site: Path, prefix: str) -> CopyReport:
    """Copy a site to a prefix."""
    return copy_site(site, f"s3://{BUCKET}/{prefix}", keep=timedelta(hours=20), progress=False)


def stored(prefix: str) -> set[str]:
    """The names of all objects under a prefix."""
    return set(ObjectTarget(f"s3://{BUCKET}/{prefix}", 1).listing())


def files(site: Path) -> set[str]:
    """The names of all files of a site."""
    return {name for name in tree(site) if not name.startswith(".")}


def test_a_site_in_a_bucket(s3: S3, sites: Evolving) -> None:
    """A copy in a bucket has the site's files, and our client reads it over HTTP."""
    report = copy(sites.evening, "whole")
    assert stored("whole") == files(sites.evening)
    for name in files(sites.evening):
        assert (s3.path("whole") / name).read_bytes() == (sites.evening / name).read_bytes()
    with shoestring.open(str(s3.path("whole"))) as catalogue:
        assert len(catalogue["s2"].dates) == 2
        assert catalogue.snapshot == report.snapshot


def test_only_what_is_new_travels(s3: S3, sites: Evolving) -> None:
    """A later copy sends what is new and replaces pointers, and one of nothing new nothing."""
    copy(sites.evening, "new")
    before = stored("new")
    with SpoiltLine(s3.port) as line, credentials(s3, line.endpoint):
        report = copy(sites.morning, "new")
        put = [call.path.partition("/new/")[2] for call in line.calls if call.method == "PUT"]
        assert copy(sites.morning, "new").sent.files == 0
        assert sum(call.method == "PUT" for call in line.calls) == len(put)
    new = [name for name in put if is_hashed(name)]
    doors = sorted(own for name in new if (own := pointer_of(name)) is not None)
    assert doors
    assert set(new) == stored("new") - before
    assert (put[: len(new)], report.sent.files) == (new, len(new))
    assert put[len(new) :][:2] == ["s2/collection.json", "s2/database.json"]
    assert sorted(put[len(new) + 2 : -2]) == doors
    assert put[-2:] == ["snapshots.json", "catalog.json"]


def test_what_readers_are_told(s3: S3, sites: Evolving) -> None:
    """Objects have their media types; hashed names may be kept for ever, pointers for a minute."""
    copy(sites.evening, "told")
    said = {
        name: tuple((s3.path("told") / name).headers()[own] for own in
                    ("Content-Type", "Cache-Control", "Content-Encoding"))
        for name in files(sites.evening)
    }  # fmt: skip
    for name, (kind, kept, encoding) in said.items():
        assert encoding is None
        assert kept == ("public, max-age=60" if "-" not in Path(name).name
                        else "public, max-age=31536000, immutable")  # fmt: skip
        assert kind == {".json": "application/json", ".tif": "image/tiff", ".png": "image/png",
                        ".bin": "application/octet-stream", ".vrt": "application/xml",
                        ".gpkg": "application/geopackage+sqlite3",
                        "": "text/plain; charset=utf-8"}[Path(name).suffix]  # fmt: skip
    assert attributes("s2/feed.xml")["Content-Type"] == "application/xml"


def test_old_snapshots_go(
    s3: S3, sites: Evolving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only an ended snapshot names goes from the bucket, and other people's objects stay."""
    site = Path(shutil.copytree(sites.morning, tmp_path / "site"))
    copy(sites.evening, "old")
    copy(site, "old")
    target = ObjectTarget(f"s3://{BUCKET}/old", 1)
    target.show({"mine.txt": b"mine", "else/2018/a-0123456789abcdef.tif": b"mine"})
    monkeypatch.setattr(run, "clock", lambda: now() + timedelta(hours=21))
    age(site, 21)
    assert copy(site, "old").removed.files == len(sites.obsolete)
    left = stored("old") - {"mine.txt", "else/2018/a-0123456789abcdef.tif"}
    copy(site, "fresh")
    assert left == stored("fresh")


def test_what_only_the_bucket_has(s3: S3, sites: Evolving, tmp_path: Path) -> None:
    """A snapshot that the site has forgotten is read from the bucket, and kept there."""
    copy(sites.evening, "kept")
    site = Path(shutil.copytree(sites.morning, tmp_path / "site"))
    (old,) = (path.stem[8:] for path in sites.evening.glob("catalog-*.json"))
    before = stored("kept")
    (site / f"catalog-{old}.json").unlink()
    for path in sites.evening.glob("s2/2018/items-*.json"):
        (site / path.relative_to(sites.evening)).unlink()
    report = copy(site, "kept")
    assert (report.removed.files, report.hindrance) == (0, None)
    assert stored("kept") > before
    with shoestring.open(str(s3.path("kept")), snapshot=old) as held:
        assert len(held["s2"].dates) == 2


def test_an_overloaded_server_and_a_bad_line(
    s3: S3, sites: Evolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals, cut connections and halves of answers are made good by trying again."""
    monkeypatch.setattr(patience, "WAIT", 0.0)

    def spoil(call: Call) -> Refused | Cut | Half | None:
        return {0: Refused(), 1: Cut(), 2: Cut(after=True), 3: Half()}.get(call.number % 7)

    with SpoiltLine(s3.port, spoil) as line, credentials(s3, line.endpoint):
        copy(sites.evening, "spoilt")
        copy(sites.morning, "spoilt")
    assert stored("spoilt") >= files(sites.morning)
    assert copy(sites.morning, "spoilt").sent.files == 0


def test_large_files_travel_in_pieces(s3: S3, tmp_path: Path) -> None:
    """A file that is larger than a piece arrives as it is, also where pieces are spoilt."""
    data = os.urandom(2 * PIECE + 5)
    (tmp_path / "large.bin").write_bytes(data)
    with SpoiltLine(s3.port, lambda call: Refused(500) if call.number == 3 else None) as line:
        with credentials(s3, line.endpoint):
            target = ObjectTarget(f"s3://{BUCKET}/pieces", 2)
            target.send([Outgoing("large.bin", tmp_path / "large.bin", len(data), 0)], print)
        assert sum("partNumber=" in call.path for call in line.calls) == 4
    assert (s3.path("pieces") / "large.bin").read_bytes() == data
    assert target.listing()["large.bin"].size == len(data)


@pytest.mark.parametrize(
    "name",
    ["raw tiles/a b.tif", "raw/Äpfel.tif", "raw/50%.tif", "raw/a+b&c=d#e?.tif", "raw/~a.tif"],
)
def test_names_of_sources(s3: S3, tmp_path: Path, name: str) -> None:
    """The files that VRTs read keep their names, whatever these are made of."""
    (tmp_path / "file").write_bytes(b"data")
    target = ObjectTarget(f"s3://{BUCKET}/names", 1)
    target.send([Outgoing(name, tmp_path / "file", 4, 0)], lambda file: None)
    assert target.read([name]) == {name: b"data"}
    assert name in target.listing()
    target.remove([name])
    assert name not in target.listing()


def test_a_bucket_that_is_not_there(s3: S3, sites: Evolving) -> None:
    """A bucket that does not exist is one sentence with its address."""
    ran = run_here("publish", sites.evening, "s3://nobody/site")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "s3://nobody/site can't be listed (" in ran.err


def test_a_store_that_refuses(s3: S3, sites: Evolving) -> None:
    """Where the store does not let us in, that is not tried again, and the remedy is named."""
    with SpoiltLine(s3.port, lambda call: Refused(403)) as line, credentials(s3, line.endpoint):
        with pytest.raises(TransferError, match="check the credentials in the environment"):
            copy(sites.evening, "denied")
        assert len(line.calls) == 1


def test_a_server_that_stays_away(s3: S3, sites: Evolving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers well is given up, with a sentence that tells what it said."""
    monkeypatch.setattr(patience, "ATTEMPTS", 1)
    monkeypatch.setattr(object_target, "RETRIES", 1)
    with SpoiltLine(s3.port, lambda call: Refused(503)) as line, credentials(s3, line.endpoint):
        with pytest.raises(TransferError, match="publish again: what is there already stays"):
            copy(sites.evening, "away")
        assert len(line.calls) == 2


def test_plain_http_is_for_this_machine(
    s3: S3, sites: Evolving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store elsewhere is not asked without TLS unless the environment says so."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://192.0.2.1:9000")
    monkeypatch.setattr(patience, "ATTEMPTS", 1)
    monkeypatch.setattr(object_target, "RETRIES", 0)
    with pytest.raises(TransferError, match="can't be listed"):
        copy(sites.evening, "plain")


def test_without_obstore(sites: Evolving, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where obstore is not installed, the sentence tells what to install."""
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)
    with pytest.raises(MissingExtraError, match=r"shoestring\[publish\]"):
        copy(sites.evening, "none")
