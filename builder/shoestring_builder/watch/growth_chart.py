"""How a site grew, drawn as steps; pure."""

from collections.abc import Sequence
from html import escape

from shoestring_builder.clock import parse_instant
from shoestring_builder.publish.room import in_words
from shoestring_schema.status import GrowthPoint

_WIDTH, _HEIGHT = 600, 120


def growth_chart(points: Sequence[GrowthPoint]) -> str:
    """Draw the bytes of a site over time.

    Args:
        points: In order of time; with fewer than two there is nothing to draw.
    """
    if len(points) < 2:
        return ""
    first, last = points[0], points[-1]
    most = max(own.size for own in points) or 1
    told = f"{in_words(first.size)} on {first.time[:10]}, {in_words(last.size)} on {last.time[:10]}"
    line = _line(points, most)
    return (
        f'<figure><svg role="img" aria-label="{escape(told)}" preserveAspectRatio="none" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" class="growth">'
        f'<path class="area" d="{line}V{_HEIGHT}H0Z"/><path class="line" d="{line}"/></svg>'
        f"<figcaption>{escape(told)}; at most {in_words(most)}.</figcaption></figure>"
    )


def _line(points: Sequence[GrowthPoint], most: int) -> str:
    times = [parse_instant(own.time).timestamp() for own in points]
    span = max(times[-1] - times[0], 1)
    places = [
        (round((time - times[0]) / span * _WIDTH), round((1 - own.size / most) * (_HEIGHT - 4)) + 2)
        for time, own in zip(times, points, strict=True)
    ]
    x, y = places[0]
    return f"M{x} {y}" + "".join(f"H{own[0]}V{own[1]}" for own in places[1:]) + f"H{_WIDTH}"
