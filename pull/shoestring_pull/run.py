"""`shoestring pull`, from its beginning to its end: site, selection, plan, transfer, publish."""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from shoestring.location import Location, locate
from shoestring.options import Options
from shoestring.site_transport import SiteTransport
from shoestring_builder.mirror.report import Volume
from shoestring_builder.pool import open_pool
from shoestring_builder.publish.current import read_current
from shoestring_builder.publish.site_folder import STAGING, SiteFolder, open_site
from shoestring_builder.publish.snapshot import mend_documents
from shoestring_pull.context import Run, Shown, wait
from shoestring_pull.documents import Documents
from shoestring_pull.estimate import measured_rate
from shoestring_pull.files import Origins
from shoestring_pull.holdings import (
    CROPS,
    DOCUMENTS,
    HIDDEN,
    INDEXES,
    PARTS,
    require_own,
    require_room,
)
from shoestring_pull.options import PullOptions
from shoestring_pull.origin import (
    Origin,
    read_origin,
    require_fit,
    require_same_catalogue,
    write_origin,
)
from shoestring_pull.own_site import OwnPlan, finish_own, plan_own
from shoestring_pull.report import PullReport
from shoestring_pull.selection import Selection
from shoestring_pull.transfer.meter import say_beside
from shoestring_pull.transfer.order import Order
from shoestring_pull.transfer.transfer import transfer
from shoestring_pull.upstream import Upstream, read_upstream
from shoestring_pull.whole_site import WholePlan, finish_whole, plan_whole
from shoestring_schema.errors import CatalogueError, OutputError

_log = logging.getLogger(__name__)

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to pull.

    Attributes:
        address: The site; None for the one that the folder is a copy of.
        folder: Where the copy is, or shall be.
        selection: What of the site; None for what the folder remembers, else all of it.
        snapshot: Which snapshot; None for the current one.
        delete: Whether what upstream has dropped goes from the copy too.
        terms: How.
        options: How to behave towards servers.
        progress: True shows progress, False does not, None shows it where somebody looks.
        say: Takes sentences while it goes on.
    """

    address: str | None
    folder: Path
    selection: Selection | None = None
    snapshot: str | None = None
    delete: bool = False
    terms: PullOptions = field(default_factory=PullOptions)
    options: Options = field(default_factory=Options)
    progress: bool | None = None
    say: Say = say_beside


def pull(wish: Wish) -> PullReport:
    """Pull a site, or what is new in it.

    Args:
        wish: What, where to, and how.

    Returns:
        What was done.

    Raises:
        CatalogueError: The site is not what the contract says, or would write where it must not.
        SelectionError: There is nothing that was selected.
        RoiError: The region can't be used.
        TransferError: Bytes did not arrive; what did is kept for the next time.
        OutputError: The folder holds something else, has no room, or can't be written.
        PublishError: The same, while documents are written.
        BusyError: Another pull, or a builder, is at work on it.
    """
    origin = read_origin(wish.folder)
    location = _located(wish, origin)
    require_fit(wish.folder, origin, location.address, moved=wish.terms.moved)
    _require_apart(location, wish.folder)
    transport = SiteTransport(wish.options)
    try:
        return _pull(wish, origin, location, transport)
    finally:
        wait(transport.close())


def _pull(
    wish: Wish, origin: Origin | None, location: Location, transport: SiteTransport
) -> PullReport:
    upstream = wait(read_upstream(location, transport, wish.snapshot))
    with _opened(wish) as site:
        attempt = _Attempt(wish, origin, site, transport)
        try:
            return attempt.run(upstream)
        except CatalogueError as error:
            newer = wait(read_upstream(location, transport, wish.snapshot))
            if newer.mark.id == upstream.mark.id:
                raise
            _log.info("%s: %s", wish.folder, error)
        wish.say(
            f"{location.address} was published anew meanwhile, and what was being pulled is no longer there: it is "
            f"begun once more, with snapshot {newer.mark.id}."
        )
        return attempt.run(newer)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A pull of a snapshot, all that it needs being at hand."""

    wish: Wish
    origin: Origin | None
    site: SiteFolder
    transport: SiteTransport

    def run(self, upstream: Upstream) -> PullReport:
        """Pull a snapshot."""
        wish, copy = self.wish, self.site.path
        require_same_catalogue(copy, self.origin, upstream.id)
        selection = self._selection()
        follow = tuple(wish.terms.follow) or (self.origin.follow if self.origin else ())
        kept = None if wish.terms.dry_run else copy / HIDDEN / DOCUMENTS
        documents = Documents(upstream.location, self.transport, copy, kept)
        require_own(copy, ())
        current = read_current(copy)
        if not wish.terms.dry_run:
            mend_documents(self.site, current)
        with open_pool(1, progress=wish.progress) as pool:
            run = Run(
                site=self.site, current=current, upstream=upstream, documents=documents,
                origins=Origins(upstream.location, follow), selection=selection,
                delete=wish.delete, keep=wish.terms.kept_for, pool=pool,
                cuts=dict(self.origin.cuts) if self.origin else {},
            )  # fmt: skip
            memory = Origin(upstream.location.address, upstream.id, selection, follow)
            if selection.is_all and not follow:
                return self._whole(run, memory)
            return self._own(run, memory)

    def _whole(self, run: Run, memory: Origin) -> PullReport:
        plan = plan_whole(run)
        orders = self._orders(run, plan)
        if self.wish.terms.dry_run:
            return self._looked(run, orders)
        self._fetch(run, orders, memory)
        return self._done(run, orders, finish_whole(run, plan), memory)

    def _own(self, run: Run, memory: Origin) -> PullReport:
        plan = plan_own(run)
        orders = [*self._orders(run, plan), *plan.crops]
        if self.wish.terms.dry_run:
            return self._looked(run, orders)
        before = {} if run.delete else run.cuts
        memory = _with(memory, cuts={**before, **plan.cuts})
        self._fetch(run, orders, memory)
        return self._done(run, orders, finish_own(run, plan), memory)

    def _orders(self, run: Run, plan: WholePlan | OwnPlan) -> list[Order]:
        """Orders for whole files, all of them in the copy, where there is room for them."""
        require_own(run.copy, (*(file.name for file in plan.missing), *plan.places))
        crops = plan.crops if isinstance(plan, OwnPlan) else ()
        sizes = [file.size for file in plan.missing] + [order.size for order in crops]
        require_room(run.copy, [*sizes, *plan.documents])
        return [file.order(run.copy) for file in plan.missing]

    def _selection(self) -> Selection:
        if self.wish.selection is not None:
            return self.wish.selection
        return self.origin.selection if self.origin is not None else Selection()

    def _looked(self, run: Run, orders: Sequence[Order]) -> PullReport:
        """What a dry run says."""
        volume = _volume(orders)
        rate = None
        if orders:
            rate = wait(measured_rate(orders, self.transport, self.wish.options.connections))
        limit = self.wish.terms.pace.rate
        rate = rate if rate is None or limit is None else min(rate, limit)
        return PullReport(
            folder=str(run.copy),
            snapshot="",
            upstream=run.upstream.mark.id,
            fetched=volume,
            dry_run=True,
            seconds=None if rate is None else volume.size / rate,
        )

    def _fetch(self, run: Run, orders: Sequence[Order], memory: Origin) -> None:
        """Fetch what is missing; from now on the folder knows what it is to become."""
        before = self.origin.snapshot if self.origin is not None else None
        write_origin(run.copy, _with(memory, snapshot=before))
        if orders:
            transfer(
                orders,
                staging=run.hidden / PARTS,
                pace=self.wish.terms.pace,
                options=self.wish.options,
                progress=self.wish.progress,
                say=self.wish.say,
            )

    def _done(self, run: Run, orders: Sequence[Order], shown: Shown, memory: Origin) -> PullReport:
        write_origin(run.copy, _with(memory, snapshot=run.upstream.mark))
        run.documents.forget_others()
        whole = run.selection.is_all and not run.origins.follow  # then the copy has the documents
        for name in (PARTS, CROPS, INDEXES, *([DOCUMENTS] if whole else [])):
            shutil.rmtree(run.hidden / name, ignore_errors=True)
        freed = shown.freed
        notes = (*shown.notes, *([freed.hindrance] if freed.hindrance else []))
        return PullReport(
            folder=str(run.copy),
            snapshot=shown.snapshot,
            upstream=run.upstream.mark.id,
            fetched=_volume(orders),
            removed=Volume(freed.files, freed.size),
            changed=shown.changed,
            notes=notes,
        )


@contextmanager
def _opened(wish: Wish) -> Iterator[SiteFolder]:
    """The copy's folder: nobody else writes into it meanwhile, nor do we in a dry run."""
    folder = wish.folder
    if wish.terms.dry_run:
        yield SiteFolder(folder, folder / STAGING)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made ({error.strerror}): name another folder for the copy."
        ) from None
    require_own(folder, ())
    with open_site(folder) as site:
        yield site


def _located(wish: Wish, origin: Origin | None) -> Location:
    """Where the site lies that is to be pulled."""
    if wish.address is not None:
        return locate(wish.address)
    if origin is None:
        raise OutputError(
            f"{wish.folder} is no copy that was pulled: name the site's address and a folder for its copy, as in "
            "`shoestring pull URL DIR`."
        )
    return locate(origin.address)


def _require_apart(location: Location, folder: Path) -> None:
    """A site on this machine is not its own copy."""
    if location.is_local:
        site, copy = location.path.parent.resolve(), folder.resolve()
        if site.is_relative_to(copy) or copy.is_relative_to(site):
            raise OutputError(
                f"{folder} can't be a copy of {site}: one lies in the other; name a folder elsewhere."
            )


def _volume(orders: Sequence[Order]) -> Volume:
    return Volume(len(orders), sum(order.size for order in orders))


def _with(memory: Origin, **changes: object) -> Origin:
    return msgspec.structs.replace(memory, **changes)
