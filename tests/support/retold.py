"""Sites whose items say something else than their builder wrote."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.mosaics import republish


def retell(
    site: Path,
    collection: str,
    change: Callable[[dict[str, Any]], None],
    *,
    about: Callable[[dict[str, Any]], None] = lambda document: None,
) -> None:
    """Change what a site says of its items, and publish that with right checksums.

    Args:
        site: The site's folder.
        collection: The collection.
        change: Changes an item.
        about: Changes the collection's document, after the items.
    """
    path = site / collection / "collection.json"
    document = json.loads(path.read_text("utf-8"))
    for part in document["shoestring:parts"]:
        items = json.loads((path.parent / part["href"]).read_text("utf-8"))
        for item in items["features"]:
            change(item)
        data = json.dumps(items).encode()
        digest = hashlib.sha256(data).hexdigest()
        folder, _, _ = part["href"].rpartition("/")
        part["href"] = f"{folder}/items-{part['period']}-{digest[:16]}.json"
        part |= {"size": len(data), "checksum": f"1220{digest}"}
        part.pop("index", None)
        (path.parent / part["href"]).write_bytes(data)
    document["links"] = [own for own in document["links"] if own["rel"] != "child"]
    about(document)
    path.write_text(json.dumps(document), "utf-8")
    (path.parent / "database.json").unlink(missing_ok=True)
    republish(site)
