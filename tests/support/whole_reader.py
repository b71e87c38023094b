"""A reader that loops over a site and takes note of everything that is not whole."""

import hashlib
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import shoestring
from support.web_path import WebPath

Json = dict[str, Any]


class WholeReader:
    """Reads a site again and again, in a thread: as our client does, and as other tools do.

    Attributes:
        faults: Sentences on what was not whole.
        seen: The snapshots that were shown.
        rounds: How often the site was read.
        held: The snapshot that it showed at first; it must stay readable.
    """

    def __init__(self, site: Path | WebPath) -> None:
        """Prepare to read a site that shows a snapshot already.

        Args:
            site: Its folder, or where a server has it.
        """
        self.faults: list[str] = []
        self.seen: list[str] = []
        self.rounds = 0
        self._site, self._end = site, threading.Event()
        self.held: str = _json(site / "catalog.json")["shoestring:snapshot"]["id"]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set() or not self.rounds:
            try:
                self._read()
            except Exception as error:  # whatever it is, a reader must not see it
                self.faults.append(f"{type(error).__name__}: {error}")
            self.rounds += 1
            self._end.wait(0.001)

    def _read(self) -> None:
        catalogue = _json(self._site / "catalog.json")
        snapshot = catalogue["shoestring:snapshot"]["id"]
        if snapshot not in self.seen[-1:]:
            self.seen.append(snapshot)
        for entry in catalogue["shoestring:collections"]:
            self._collection(self._site / entry["href"], entry["checksum"])
        for link in catalogue["links"]:
            if link["rel"] == "child":
                self._collection(self._site / link["href"])
                self._database((self._site / link["href"]).with_name("database.json"))
        listed = _json(self._site / "snapshots.json")["snapshots"]
        if snapshot not in [own["id"] for own in listed]:
            self.faults.append(f"{snapshot} is shown and not listed")
        if self.rounds % 5 == 0:
            with shoestring.open(str(self._site), snapshot=self.held) as held:
                for collection in held.values():
                    collection.extract(None, _box(collection))

    def _collection(self, path: Path | WebPath, checksum: str | None = None) -> None:
        data = path.read_bytes()
        if checksum is not None:
            self._expect(path, checksum, data)
        document = json.loads(data)
        for table in document.get("assets", {}).values():
            file = path.parent / table["href"]
            self._expect(file, table["file:checksum"], file.read_bytes())
        for part in document["shoestring:parts"]:
            target = path.parent / part["href"]
            items = target.read_bytes()
            self._expect(target, part["checksum"], items)
            if "index" in part:
                index = path.parent / part["index"]["href"]
                self._expect(index, part["index"]["checksum"], index.read_bytes())
            for item in json.loads(items)["features"]:
                for asset in item["assets"].values():
                    file = target.parent / asset["href"]
                    self._expect(file, asset["file:checksum"], file.read_bytes())

    def _database(self, path: Path | WebPath) -> None:
        folder = str(path.parent).rpartition("/")[2]
        for hrefs in _json(path).values():
            for href in hrefs:
                own = None if href is None else href.rpartition(f"/{folder}/")[2]
                if own is not None and not (path.parent / own).is_file():
                    self.faults.append(f"{path} lists {href}, which is not there")

    def _expect(self, path: Path | WebPath, checksum: str, data: bytes) -> None:
        if "1220" + hashlib.sha256(data).hexdigest() != checksum:
            self.faults.append(f"{path} is not what was published")


def _json(path: Path | WebPath) -> Json:
    document: Json = json.loads(path.read_bytes())
    return document


def _box(collection: shoestring.Collection) -> tuple[float, float, float, float]:
    """A region in the middle of a collection, in degrees."""
    import shapely
    from rasterio.warp import transform_bounds

    grid = collection.info.grid
    left, bottom, right, top = transform_bounds(grid.crs, "EPSG:4326", *grid.bounds)
    middle = shapely.box(left, bottom, right, top).centroid
    return middle.x - 1e-4, middle.y - 1e-4, middle.x + 1e-4, middle.y + 1e-4
