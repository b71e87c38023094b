"""What a pull has at hand from its beginning to its end."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from shoestring.event_loop import EventLoopThread
from shoestring_builder.pool import Pool
from shoestring_builder.publish.clean_up import Freed
from shoestring_builder.publish.current import Current
from shoestring_builder.publish.site_folder import SiteFolder
from shoestring_pull.crop.cut import Cut
from shoestring_pull.documents import Documents
from shoestring_pull.files import Origins
from shoestring_pull.holdings import HIDDEN
from shoestring_pull.selection import Selection
from shoestring_pull.upstream import Upstream

T = TypeVar("T")

_loop = EventLoopThread()


@dataclass(frozen=True, slots=True)
class Run:
    """A pull.

    Attributes:
        site: The copy, locked; but where nothing is to be written.
        current: What it shows.
        upstream: The snapshot that is pulled.
        documents: Gets its documents.
        origins: Where its files may lie.
        selection: What is wanted.
        delete: Whether what upstream has dropped goes from the copy too.
        keep: How long the copy's snapshots can be read after it has shown another.
        pool: Does what takes long.
        cuts: Where collections are cut already.
    """

    site: SiteFolder
    current: Current
    upstream: Upstream
    documents: Documents
    origins: Origins
    selection: Selection
    delete: bool
    keep: timedelta
    pool: Pool
    cuts: dict[str, Cut] = field(default_factory=dict)

    @property
    def copy(self) -> Path:
        """The copy's folder."""
        return self.site.path

    @property
    def hidden(self) -> Path:
        """The hidden folder in it: of pulls, and of nobody else."""
        return self.site.path / HIDDEN


@dataclass(frozen=True, slots=True)
class Shown:
    """What a copy shows at the end.

    Attributes:
        snapshot: The snapshot.
        changed: Whether its readers see anything new.
        freed: What was removed.
        notes: What is worth knowing.
    """

    snapshot: str
    changed: bool
    freed: Freed
    notes: tuple[str, ...] = ()


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, in whatever thread or notebook this is; Ctrl-C ends it."""
    return _loop.run(work)
