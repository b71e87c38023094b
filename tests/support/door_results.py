"""What the tests of other tools found, in a file that the documentation's table is made from."""

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class DoorResult:
    """What came of a test.

    Attributes:
        consumer: The tool that read the site, by its marker ``door``.
        version: Which one, by the test's property ``version``; empty where it was not told.
        test: The test, such as ``tests/doors/test_r.py::test_terra``.
        fact: What the test proves: its docstring.
        outcome: ``passed``, ``failed``, ``skipped``, or ``xfailed`` for what a tool can't do yet.
        reason: Why it was skipped, or what the tool can't do; empty for others.
        limit: Whether the fact is what the tool does not do, by its marker ``door(…, limit=True)``.
    """

    consumer: str
    version: str
    test: str
    fact: str
    outcome: str
    reason: str
    limit: bool


class DoorResults:
    """A plugin of pytest: gathers outcomes of tests with the marker ``door``."""

    def __init__(self, path: Path) -> None:
        """Prepare for a run.

        Args:
            path: The file; what it tells of tests in other files stays there.
        """
        self._path = path
        self._found: dict[str, DoorResult] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take note of how each test ended: its set-up may skip it, its end may spoil it."""
        report = yield
        marker = item.get_closest_marker("door")
        if marker is not None and (report.when == "call" or not report.passed):
            self._found[item.nodeid] = _result(item, marker, report)
        return report

    def pytest_sessionfinish(self) -> None:
        """Write them, sorted; a run that tried no tool leaves the file alone."""
        if not self._found:
            return
        files = {test.split("::")[0] for test in self._found}
        results = [asdict(result) for result in self._found.values()]
        results += [old for old in self._earlier() if old["test"].split("::")[0] not in files]
        results.sort(key=lambda result: (result["consumer"].lower(), result["test"]))
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def _earlier(self) -> list[dict[str, str]]:
        if not self._path.exists():
            return []
        earlier: list[dict[str, str]] = json.loads(self._path.read_text("utf-8"))
        return earlier


def _result(item: pytest.Item, marker: pytest.Mark, report: pytest.TestReport) -> DoorResult:
    version = dict(report.user_properties).get("version", "")
    docstring = getattr(getattr(item, "function", None), "__doc__", None) or ""
    expected = hasattr(report, "wasxfail")
    outcome = "xfailed" if expected and report.skipped else str(report.outcome)
    reason = str(getattr(report, "wasxfail", "")) if expected else _reason(report)
    return DoorResult(
        consumer=str(marker.args[0]),
        version=str(version),
        test=item.nodeid,
        fact=" ".join(docstring.split()),
        outcome=outcome,
        reason=reason,
        limit=bool(marker.kwargs.get("limit", False)),
    )


def _reason(report: pytest.TestReport) -> str:
    """Of a skipped test, the sentence that it gave."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""
