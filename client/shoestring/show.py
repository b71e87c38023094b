"""How things look: text for terminals, HTML for notebooks. Pure.

All that comes from a catalogue is escaped: titles are a stranger's text.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from shoestring_schema.moment import Moment, format_moment

if TYPE_CHECKING:
    from shoestring.catalogue import CatalogueFacts
    from shoestring.collection import CollectionFacts
    from shoestring.plan import Plan, Spared
    from shoestring.stack import Stack

Rows = Sequence[tuple[str, str]]


def catalogue_text(catalogue: "CatalogueFacts[Any]") -> str:
    """A catalogue as text: a line for each collection."""
    return _text(f"Catalogue {catalogue.info.title}", _catalogue_rows(catalogue))


def catalogue_html(catalogue: "CatalogueFacts[Any]") -> str:
    """A catalogue as an HTML table."""
    return _html(
        f"Catalogue {catalogue.info.title}", _catalogue_rows(catalogue), catalogue.info.description
    )


def collection_text(collection: "CollectionFacts") -> str:
    """A collection as text: what a person asks first."""
    return _text(f"Collection {collection.id}", _collection_rows(collection))


def collection_html(collection: "CollectionFacts") -> str:
    """A collection as an HTML table."""
    return _html(
        f"Collection {collection.id}", _collection_rows(collection), collection.description
    )


def stack_text(stack: "Stack") -> str:
    """A stack as text."""
    return _text(f"Stack of {stack.collection}", _stack_rows(stack))


def stack_html(stack: "Stack") -> str:
    """A stack as an HTML table."""
    return _html(f"Stack of {stack.collection}", _stack_rows(stack), "")


def plan_text(plan: "Plan") -> str:
    """A plan as text."""
    return _text(f"What would be read from {plan.collection}", _plan_rows(plan))


def plan_html(plan: "Plan") -> str:
    """A plan as an HTML table."""
    return _html(f"What would be read from {plan.collection}", _plan_rows(plan), "")


def span(dates: Sequence[Moment]) -> str:
    """How many dates, and from when to when."""
    if not dates:
        return "none yet"
    if len(dates) == 1:
        return f"1: {format_moment(dates[0])}"
    return f"{len(dates)}, from {format_moment(dates[0])} to {format_moment(dates[-1])}"


def listed(dates: Mapping[Moment, float]) -> str:
    """Dates with their clear shares."""
    return some(f"{format_moment(date)} ({share:.0%} clear)" for date, share in dates.items())


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _catalogue_rows(catalogue: "CatalogueFacts[Any]") -> Rows:
    rows = [("address", catalogue.info.address)]
    rows += [
        (name, f"{found.title}; dates: {span(found.dates)}") for name, found in catalogue.items()
    ]
    return rows


def _collection_rows(collection: "CollectionFacts") -> Rows:
    rows, columns = collection.grid.shape
    west, south, east, north = collection.extent
    mask = collection.mask
    shown = [
        ("title", collection.title),
        ("dates", span(collection.dates)),
        ("bands", some(map(_band, collection.bands.values()))),
        (
            "grid",
            f"{rows} x {columns} pixels of {_resolution(collection)}, {_crs(collection.grid.crs)}",
        ),
        ("extent", f"{west:.4f} .. {east:.4f} E, {south:.4f} .. {north:.4f} N"),
    ]
    if mask is not None:
        rule = f"in {list(mask.clear)}" if mask.clear is not None else f"below {mask.clear_below:g}"
        shown.append(("clear where", f"{mask.band} {rule}"))
    return [*shown, ("license", collection.info.license), ("address", collection.info.address)]


def _stack_rows(stack: "Stack") -> Rows:
    rows, columns = stack.grid.shape
    kind = "NaN where a pixel does not count" if stack.wish.masked else "as stored"
    shown = [
        ("bands", some(stack.bands)),
        ("dates", span(stack.dates)),
        ("arrays", f"{rows} x {columns} pixels, {kind}{', scaled' if stack.wish.scaled else ''}"),
        (
            "grid",
            f"{_crs(stack.grid.crs)}, upper left {stack.grid.transform[2]:.10g}, {stack.grid.transform[5]:.10g}",
        ),
        ("memory", size(stack.nbytes)),
    ]
    return [*shown, ("left out", listed(stack.left_out))] if stack.left_out else shown


def _plan_rows(plan: "Plan") -> Rows:
    window, reads = plan.roi.window, plan.reads
    known = all(read.file.pieces is not None for read in reads)
    shown = [
        (
            "window",
            f"{window.height} x {window.width} pixels, from row {window.row} and column {window.column}",
        ),
        ("bands", some(plan.bands)),
        ("dates", span([date.moment for date in plan.dates])),
        ("mask", "none" if plan.rule is None else plan.rule.band),
        ("files", f"{len(reads)}, of {size(sum(read.file.size or 0 for read in reads))} in all"),
        ("to fetch", f"{'' if known else 'about '}{size(plan.estimated_bytes)}"),
        ("result", size(plan.result_bytes)),
    ]
    spared = plan.spared
    return [*shown, ("spared", _spared(spared))] if spared else shown


def _spared(spared: "Spared") -> str:
    """How much, and why."""
    reasons = [
        (spared.outside, "outside of the ROI"),
        (spared.empty, "without data"),
        (spared.unclear, "without a clear pixel"),
        (spared.mask, "of the mask, where all or none is clear"),
    ]
    total = spared.blocks - spared.fetched
    told = "; ".join(f"{count} {reason}" for count, reason in reasons if count)
    dates = f"; {spared.dates} dates whole" if spared.dates else ""
    return f"{total} of {spared.blocks} blocks{': ' if told else ''}{told}{dates}"


def _band(band: Any) -> str:  # noqa: ANN401
    notes = [note for note in (band.common_name, band.unit) if note]
    return f"{band.name} ({', '.join([*notes, band.data_type])})"


def _resolution(collection: "CollectionFacts") -> str:
    width, height = collection.grid.resolution
    return f"{width:.6g}" if abs(width - height) < 1e-9 * width else f"{width:.6g} x {height:.6g}"


def _crs(crs: str) -> str:
    """A code, or a WKT's name."""
    return crs if len(crs) < 40 else crs.split('"')[1] if '"' in crs else crs[:40]


def some(texts: Iterable[str]) -> str:
    """The first of several words, and how many there are besides."""
    several = list(texts)
    return ", ".join(several[:16]) + (f" and {len(several) - 16} more" if len(several) > 16 else "")


def _text(title: str, rows: Rows) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(
        [
            f"<{_printable(title)}>",
            *(f"  {name:<{width}}  {_printable(value)}" for name, value in rows),
        ]
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _html(title: str, rows: Rows, description: str) -> str:
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    paragraph = f"<p>{escape(description)}</p>" if description else ""
    return f"<div><strong>{escape(title)}</strong>{paragraph}<table>{cells}</table></div>"
