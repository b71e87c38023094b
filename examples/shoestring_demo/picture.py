"""The demo's picture: a map of NDVI for each date, and a curve for each field."""

from collections.abc import Iterable, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shoestring_demo.layout import WIDTH, Box, Layout
from shoestring_demo.ndvi import FieldSeries
from shoestring_demo.survey import Survey
from shoestring_schema.errors import MissingExtraError, OutputError
from shoestring_schema.moment import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

COLOURS = ("#D55E00", "#0072B2", "#AA3377", "#E69F00", "#009E73")
"""One a field; people who see few colours tell them apart (Okabe and Ito 2008; Tol 2021)."""

_SOIL_TO_LEAVES = ("#f2e6cf", "#e0cf8c", "#b7c35e", "#76a53c", "#2f7d32", "#08421f")
_NOT_CLEAR = "#b9bcc2"
_INK, _PALE_INK = "#222222", "#6b6b6b"
_NDVI = (0.1, 0.9)
_DPI = 110


def require_plot() -> None:
    """Refuse to begin where the picture could not be drawn at the end.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("Drawing the picture", "plot")


def draw(survey: Survey, path: Path) -> None:
    """Draw the picture into a file.

    Args:
        survey: What was read.
        path: The PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: The file can't be written.
    """
    require_plot()
    try:
        compose(survey).savefig(path)
    except OSError as error:
        raise OutputError(
            f"{path} can't be written ({error.strerror}): make room on its disk or name another folder."
        ) from None


def compose(survey: Survey) -> "Figure":
    """Draw the picture into a figure of matplotlib's.

    Args:
        survey: What was read.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows, columns = survey.grid.shape
    layout = Layout(len(survey.maps), rows / columns)
    style: dict[Any, Any] = {
        "font.size": 10, "text.color": _INK, "axes.edgecolor": "#aaaaaa",
        "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    }  # fmt: skip
    with rc_context(style):
        figure = Figure(figsize=(WIDTH, layout.height), dpi=_DPI, facecolor="white")
        _headline(figure, layout)
        _maps(figure, layout, survey)
        _curves(_panel(figure, layout, layout.curves), survey)
        _rain(_panel(figure, layout, layout.rain), survey)
    return figure


def _headline(figure: "Figure", layout: Layout) -> None:
    left = layout.map(0).left / WIDTH
    figure.text(left, 1 - 0.32 / layout.height, "NDVI of three fields through a season: synthetic data",
                size=17, weight="bold", va="center")  # fmt: skip
    figure.text(left, 1 - 0.68 / layout.height,
                "Computed by `shoestring demo` and read back over HTTP from the site that it built; no satellite "
                "took these images. Each map says its date and how much of it is clear.",
                size=10.5, color=_PALE_INK, va="center")  # fmt: skip


def _maps(figure: "Figure", layout: Layout, survey: Survey) -> None:
    image: AxesImage | None = None
    for number, (day, pixels) in enumerate(survey.maps.items()):
        axes = _panel(figure, layout, layout.map(number))
        image = _map(axes, pixels, survey)
        axes.set_title(f"{_day(day)}", size=10.5, weight="bold", loc="left", pad=4)
        axes.set_title(
            f"{survey.clear[day]:.0%} clear", size=9.5, color=_PALE_INK, loc="right", pad=4
        )
        if number == 0:
            _scale_bar(axes, survey)
    if image is not None:
        bar = figure.colorbar(image, cax=_panel(figure, layout, layout.colour_bar))
        bar.set_label("NDVI (grey: cloud, shadow or not seen)", size=10)
        edge: Any = bar.outline  # typed as a patch or as a spine, by matplotlib's version
        edge.set_visible(False)


def _map(axes: "Axes", pixels: Any, survey: Survey) -> "AxesImage":  # noqa: ANN401
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patheffects import Normal, Stroke

    scale = LinearSegmentedColormap.from_list("soil to leaves", _SOIL_TO_LEAVES)
    colours = scale.with_extremes(bad=_NOT_CLEAR)
    left, bottom, right, top = survey.grid.bounds
    image = axes.imshow(pixels, cmap=colours, vmin=_NDVI[0], vmax=_NDVI[1],
                        extent=(left, right, bottom, top), interpolation="nearest")  # fmt: skip
    halo = [Stroke(linewidth=3.2, foreground="white"), Normal()]
    for outline, colour in zip(survey.outlines, COLOURS, strict=False):
        x, y = np.array(outline.exterior.coords).T
        axes.plot(x, y, color=colour, linewidth=1.6, path_effects=halo)
    axes.set(xticks=[], yticks=[], xlim=(left, right), ylim=(bottom, top))
    return image


def _scale_bar(axes: "Axes", survey: Survey) -> None:
    left, bottom, right, _ = survey.grid.bounds
    length = 200
    x, y = left + 0.05 * (right - left), bottom + 0.05 * (right - left)
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2.0}
    axes.plot([x, x + length], [y, y], color=_INK, linewidth=2.5, solid_capstyle="butt")
    axes.text(x, y + 22, f"{length} m", size=8.5, va="bottom", bbox=box)


def _curves(axes: "Axes", survey: Survey) -> None:
    for number, (field, colour) in enumerate(zip(survey.fields, COLOURS, strict=False)):
        _curve(axes, field, colour, lane=0.075 - 0.032 * number)
    _days(axes, list(survey.maps))
    axes.set(ylim=(-0.02, 1.02), ylabel="NDVI, median of the field")
    axes.tick_params(labelbottom=False)
    axes.set_title("One curve per field: dates on which less than half of it is clear are left out (x)",
                   loc="left", size=11.5, weight="bold", pad=8)  # fmt: skip
    axes.grid(axis="y", color="#e6e6e6")


def _curve(axes: "Axes", field: FieldSeries, colour: str, *, lane: float) -> None:
    axes.plot(_ordinals(field.ndvi), list(field.ndvi.values()), color=colour, linewidth=2.2,
              marker="o", markersize=6, markeredgecolor="white", zorder=3)  # fmt: skip
    axes.plot(_ordinals(field.left_out), [lane] * len(field.left_out), color=colour,
              linestyle="none", marker="x", markersize=5.5, markeredgewidth=1.6)  # fmt: skip
    if not field.ndvi:
        return
    axes.annotate(f"{field.name}\n{field.crop}", (field.peak.toordinal(), field.ndvi[field.peak]), (0, 9),
                  textcoords="offset points", ha="center", va="bottom", color=colour,
                  size=10.5, weight="bold", linespacing=1.15)  # fmt: skip


def _rain(axes: "Axes", survey: Survey) -> None:
    axes.bar(_ordinals(survey.rain), list(survey.rain.values()), width=0.9, color="#56789c")
    _days(axes, list(survey.maps))
    axes.set_ylabel("mm a day")
    axes.set_title("Rain, from the other collection", loc="left", size=10.5, color=_PALE_INK, pad=4)
    axes.grid(axis="y", color="#e6e6e6")


def _days(axes: "Axes", days: Sequence[Moment]) -> None:
    """The same days under each other: from a week before the first image to one after the last."""
    places = _ordinals(days)
    axes.set_xlim(places[0] - 7, places[-1] + 7)
    axes.set_xticks(places, [_day(day) for day in days])
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _ordinals(days: Iterable[Moment]) -> list[int]:
    """Days as numbers, one a day: where they stand on the axis."""
    return [day.toordinal() for day in days]


def _day(day: date) -> str:
    """``8 May``, in English everywhere."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day} {months[day.month - 1]}"


def _panel(figure: "Figure", layout: Layout, box: Box) -> "Axes":
    height = layout.height
    bottom = height - box.top - box.height
    return figure.add_axes(
        (box.left / WIDTH, bottom / height, box.width / WIDTH, box.height / height)
    )
