"""What a run of the demo left."""

from dataclasses import dataclass
from pathlib import Path

from support.command import Ran


@dataclass(frozen=True, slots=True)
class DemoRun:
    """A run of the demo.

    Attributes:
        home: The working folder.
        folder: The demo's folder.
        ran: What the command said.
    """

    home: Path
    folder: Path
    ran: Ran
