"""The same window of many layers by all cases in turn, each in a cold process.

The limit is curl fetching the same ranges of bytes in parallel, decoding
nothing. The last case is what a user would have today: odc-stac over files in
512-px blocks of DEFLATE.
"""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cases
from archive import make_layout
from cases import CaseError, Job, Numbers
from jobs import checksum, make_job, place
from link import SlowSite
from outcome import LIMIT, OURS, Outcome
from roster import PEERS, TODAY, WORK, Peer

from shoestring_schema.grid import Window

USUAL = "512-deflate"

USUAL_TODAY = f"today: {TODAY.name} over {USUAL}"

PREPARED = WORK / "prepared"


@dataclass(slots=True)
class Case:
    """Something to measure, and what was measured of it.

    Attributes:
        name: What is measured.
        layout: The files that it reads.
        measure: Measures it once.
        peer: The peer that it is, unless it is the limit, ours, or on other files.
        outcome: What was measured.
    """

    name: str
    layout: str
    measure: Callable[[Job], Numbers]
    peer: Peer | None = None
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = Outcome(self.name, peer=self.peer is not None)

    def prepare(self, job: Job) -> None:
        """Build the peer's index."""
        if self.peer is None or self.outcome.trouble:
            return
        try:
            self.outcome.version = self.peer.version()
            self.outcome.index = self.peer.prepare(job).get("seconds")
        except CaseError as error:
            self.outcome.trouble = str(error)

    def run(self, slow: SlowSite, job: Job, expected: int) -> None:
        """Measure once, and compare the pixels."""
        if self.outcome.trouble:
            return
        try:
            before = slow.served()
            numbers = self.measure(job) | slow.since(before)
            if numbers.get("checksum", expected) != expected:
                raise CaseError(f"other pixels: {numbers['checksum']:.0f} instead of {expected}")
            self.outcome.runs.append({key: round(value, 4) for key, value in numbers.items()})
        except CaseError as error:
            self.outcome.trouble = str(error)
        print(f"{self.name}: {self.outcome.trouble or self.outcome.runs[-1]}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Contest:
    """All cases over one line, with windows of one size.

    Attributes:
        cases: What is measured.
        sites: The folders of the sites, by their layouts.
        slow: The folder of these, served.
        side: Of the windows, in pixels.
    """

    cases: Sequence[Case]
    sites: Mapping[str, Path]
    slow: SlowSite
    side: int

    def prepare(self) -> None:
        """Build the indexes of the peers that want one."""
        shutil.rmtree(PREPARED, ignore_errors=True)
        PREPARED.mkdir()
        window = self._window(0)
        for case in self.cases:
            case.prepare(self._job(self.sites[case.layout], window))

    def run(self, number: int) -> None:
        """All cases in turn; the window is the same for all, and another for each number."""
        window = self._window(number)
        for case in self.cases:
            site = self.sites[case.layout]
            case.run(self.slow, self._job(site, window), checksum(site, window))

    def _window(self, number: int) -> Window:
        return place(next(iter(self.sites.values())), self.side, seed=number)

    def _job(self, site: Path, window: Window) -> Job:
        job = make_job(site, window, url=f"{self.slow.url}/{site.name}", ca=self.slow.ca)
        return job | {"masked": True, "prepared": str(PREPARED)}


def all_cases(layout: str) -> list[Case]:
    """The limit, ours, each peer, and what a user would have today."""
    first = [Case(LIMIT, layout, cases.limit), Case(OURS, layout, cases.ours)]
    peers = [Case(peer.name, layout, peer.run, peer) for peer in PEERS]
    today = Case(USUAL_TODAY, USUAL, TODAY.run)
    return first + peers + ([today] if layout != USUAL else [])


def make_sites(chosen: Sequence[Case], layers: int) -> dict[str, Path]:
    """The sites that these cases read, by their layouts; made where they are not there yet."""
    return {case.layout: make_layout(WORK, layers, case.layout) for case in chosen}
