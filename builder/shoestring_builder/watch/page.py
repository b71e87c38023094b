"""``status.html``, from ``status.json``; pure. It needs no script and nothing from elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from shoestring_builder.publish.room import in_words
from shoestring_builder.report import counts_text
from shoestring_builder.watch.coverage_chart import MOST_STROKES, Day, chart, days_of
from shoestring_builder.watch.feed import FEED, MEDIA_TYPE, headline
from shoestring_builder.watch.growth_chart import growth_chart
from shoestring_builder.watch.look import STYLE
from shoestring_schema.status import CollectionStatus, RunDocument, StatusDocument

MOST_RUNS = 30
MOST_DATES = 30

_OUTCOMES = {
    "done": ("good", "✓ new data"),
    "unchanged": ("good", "✓ nothing new"),
    "partly": ("bad", "! built in part"),
    "failed": ("bad", "✗ failed"),
    "killed": ("bad", "✗ cut short"),
}


def page(status: StatusDocument) -> bytes:
    """The whole page."""
    title = escape(status.title)
    feeds = "\n".join(
        f'<link rel="alternate" type="{MEDIA_TYPE}" title="{escape(own.title)}" '
        f'href="{own.id}/{FEED}">'
        for own in _with_feed(status)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}: status</title>
{feeds}
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
{"".join(_body(status))}
</body>
</html>
""".encode()


def _body(status: StatusDocument) -> Iterator[str]:
    yield _verdict(status.runs[-1]) if status.runs else "<p>There was no run yet.</p>"
    yield "".join(_set_aside(status.runs[-1:]))
    strokes = MOST_STROKES // max(len(status.collections), 1)
    feeds = {own.id for own in _with_feed(status)}
    for place, own in enumerate(status.collections):
        yield _collection(own, strokes, f"k{place}-", own.id in feeds)
    yield _legend() if status.collections else ""
    grown = growth_chart(status.growth)
    yield f"<h2>Size</h2>{grown}" if grown else ""
    yield _runs(status.runs)
    yield (
        "<footer>Each run of the builder writes this page anew: if the last one is older than you "
        'expect, the builder no longer runs. The same for programs: <a href="status.json">'
        "status.json</a>.</footer>"
    )


def _verdict(run: RunDocument) -> str:
    kind, word = _OUTCOMES[run.outcome]
    text = f"Last run: {_time(run.begun)}, <b>{word[2:]}</b>"
    reason = f"<br>{escape(run.error)}" if run.error else ""
    return f'<p class="verdict {kind}">{word[0]} {text}{reason}</p>'


def _set_aside(runs: Iterable[RunDocument]) -> Iterator[str]:
    """What the last run could not use, and what it left for the next one."""
    for run in runs:
        for title, key in (("Set aside", "failed"), ("Left for the next run", "left")):
            told = [(own.id, getattr(own, key)) for own in run.collections]
            lines = [f"<li><b>{escape(name)}</b>: {escape(sentence)}</li>"
                     for name, own in told for sentence in own.first]  # fmt: skip
            more = sum(own.count for _, own in told) - len(lines)
            if more > 0:
                lines.append(f"<li>… and {more} more</li>")
            if lines:
                yield f"<h2>{title}</h2><ul>{''.join(lines)}</ul>"


def _collection(own: CollectionStatus, strokes: int, prefix: str, feed: bool) -> str:
    days = days_of(own)
    layers = sum(part.layers for part in own.parts)
    size = in_words(sum(part.size for part in own.parts))
    span = f"{days[0].date} to {days[-1].date}" if days else "no dates"
    link = f' · <a href="{own.id}/{FEED}" type="{MEDIA_TYPE}">feed of new dates</a>' if feed else ""
    return (
        f'<section id="{own.id}"><h2>{escape(own.title)}</h2>'
        f"<p>{span}: {len(days)} days, {layers} layers of {len(own.bands)} bands, {size}{link}</p>"
        f"{chart(own, days, strokes, prefix)}{_newest(own, days)}</section>"
    )


def _newest(own: CollectionStatus, days: Sequence[Day]) -> str:
    """The newest dates as a table, which can be read aloud."""
    rows = "".join(
        f"<tr><td>{day.date}</td><td>{_clear(day.clear)}</td><td>{_bands(own, day)}</td></tr>"
        for day in list(reversed(days))[:MOST_DATES]
    )
    return (
        '<details><summary>The newest dates as a table</summary><div class="wide"><table>'
        f"<tr><th>date</th><th>clear</th><th>bands</th></tr>{rows}</table></div></details>"
    )


def _bands(own: CollectionStatus, day: Day) -> str:
    missing = [band for band in own.bands if band not in day.bands]
    return f"without {escape(', '.join(missing))}" if missing else "all"


def _clear(clear: int | None) -> str:
    return "" if clear is None else f"{clear} %"


def _legend() -> str:
    names = ["0 to 19 %", "20 to 39 %", "40 to 59 %", "60 to 79 %", "80 % and more", "not known"]
    keys = "".join(
        f'<span><svg viewBox="0 0 2 8" aria-hidden="true"><path class="c{place}" d="M1 0v8"/>'
        f"</svg>{name}</span>"
        for place, name in enumerate(names)
    )
    return f'<p class="legend">Clear: {keys}</p>'


def _runs(runs: Sequence[RunDocument]) -> str:
    told = [run for run in runs if run.outcome != "killed"]
    before = {later.begun: run.size for run, later in pairwise(told)}
    last = list(reversed(runs))[:MOST_RUNS]
    rows = "".join(_run(run, before.get(run.begun, run.size)) for run in last)
    return (
        '<h2>Runs</h2><div class="wide"><table><tr><th>began (UTC)</th><th>outcome</th>'
        "<th>seconds</th><th>new</th><th>rendered</th><th>set aside</th><th>freed</th>"
        f"<th>size</th></tr>{rows}</table></div>"
    )


def _run(run: RunDocument, before: int) -> str:
    kind, word = _OUTCOMES[run.outcome]
    changes = [own.change for own in run.collections if own.change is not None]
    news = "; ".join(f"{own.collection} {headline(own)}" for own in changes)
    layers = "; ".join(counts_text(own.layers, "layer") for own in changes)
    cells = [
        _time(run.begun),
        f'<span class="{kind}">{word}</span>',
        "" if run.seconds is None else f"{run.seconds:.0f}",
        f'<span title="{escape(layers)}">{escape(news or run.error or "")}</span>',
        str(sum(own.rendered for own in run.collections) or ""),
        str(sum(own.failed.count for own in run.collections) or ""),
        in_words(run.freed) if run.freed else "",
        _size(run.size, before) if run.size else "",
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _size(size: int, before: int) -> str:
    """``1.2 GB``, and by how much the run has changed it."""
    sign = "+" if size > before else "\u2212"
    change = f" ({sign}{in_words(abs(size - before))})" if size != before else ""
    return f"{in_words(size)}{change}"


def _time(instant: str) -> str:
    return f'<time datetime="{instant}">{instant[:10]} {instant[11:16]}</time>'


def _with_feed(status: StatusDocument) -> list[CollectionStatus]:
    told = {change.collection for own in status.news for change in own.changes}
    return [own for own in status.collections if own.id in told]
