"""The picture: everything in its place."""

from dataclasses import replace
from datetime import date, timedelta
from importlib import util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from shoestring_demo.demo import run_demo
from shoestring_demo.layout import WIDTH, Box, Layout
from shoestring_demo.ndvi import FieldSeries
from shoestring_demo.picture import compose, draw
from shoestring_demo.season import Season
from shoestring_demo.survey import Survey
from shoestring_schema.errors import MissingExtraError, OutputError
from shoestring_schema.grid import Grid

# See conftest.py: what matplotlib itself uses is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")

DATES = Season().dates
SURVEY = Survey(
    fields=tuple(
        FieldSeries(name, crop, {day: 0.1 * n + 0.5 * (DATES[peak] == day) for day in DATES[:9]},
                    dict.fromkeys(DATES[9:], 0.0))
        for n, (name, crop, peak) in enumerate(
            [("Upper field", "groundnut", 2), ("Long field", "maize", 5), ("River field", "rice", 8)]
        )
    ),
    outlines=tuple(shapely.box(200 * n, 200, 200 * n + 150, 300) for n in range(3)),
    maps={day: np.full((50, 60), 0.5, np.float32) for day in DATES},
    clear=dict.fromkeys(DATES, 1.0),
    grid=Grid("EPSG:32630", (10.0, 0.0, 0.0, 0.0, -10.0, 500.0), (50, 60)),
    rain={day: 5.0 for day in Season().days},
)  # fmt: skip


@pytest.fixture(scope="module")
def figure() -> Figure:
    """The picture of the season; not to be changed."""
    return compose(SURVEY)


def _drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> dict[Text, Bbox]:
    """Every text that is drawn, and where it is drawn."""
    drawn, draw_text = {}, Text.draw

    def record(text: Text, renderer: RendererBase) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn[text] = Text.get_window_extent(text, renderer)
        draw_text(text, renderer)

    monkeypatch.setattr(Text, "draw", record)
    FigureCanvasAgg(figure).draw()
    return drawn


def test_no_text_covers_another_or_leaves_the_picture(
    figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All texts stand apart from each other and from foreign panels, and within the picture."""
    texts = _drawn_texts(figure, monkeypatch)
    assert len(texts) > 50
    for (one, here), (two, there) in combinations(texts.items(), 2):
        assert not here.overlaps(there), f"{one} and {two} overlap"
    for text, extent in texts.items():
        foreign = [axes for axes in figure.axes if axes is not text.axes]
        assert not any(extent.overlaps(axes.bbox) for axes in foreign), text
        assert 0 <= extent.x0 <= extent.x1 <= figure.bbox.x1, text
        assert 0 <= extent.y0 <= extent.y1 <= figure.bbox.y1, text


def test_the_picture_says_synthetic_and_names_dates_clear_shares_and_fields(
    figure: Figure,
) -> None:
    """Headline, a title for each map with date and clear share, and a name at each curve."""
    texts = "\n".join(text.get_text() for text in figure.findobj(Text))
    assert "synthetic data" in texts
    for expected in (
        "8 May",
        "20 Oct",
        "100% clear",
        "Upper field\ngroundnut",
        "River field\nrice",
    ):
        assert expected in texts


def test_a_curve_shows_the_dates_that_count_and_no_others(figure: Figure) -> None:
    """The line of a field has a point for each clear date; those left out are marked apart."""
    axes = next(axes for axes in figure.axes if "median" in axes.get_ylabel())
    lines = [line for line in axes.get_lines() if line.get_linestyle() != "None"]
    marks = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
    for field, line, mark in zip(SURVEY.fields, lines, marks, strict=True):
        assert list(line.get_xdata()) == [day.toordinal() for day in field.ndvi]
        assert list(line.get_ydata()) == list(field.ndvi.values())
        assert list(mark.get_xdata()) == [day.toordinal() for day in field.left_out]


@given(st.integers(1, 40), st.floats(0.3, 2))
@settings(deadline=None)
def test_the_parts_of_the_picture_never_overlap(maps: int, aspect: float) -> None:
    """Whatever the number and shape of the maps, each part has a place of its own."""
    layout = Layout(maps, aspect)
    boxes = [*map(layout.map, range(maps)), layout.colour_bar, layout.curves, layout.rain]
    for one, two in combinations(boxes, 2):
        assert _apart(one, two)
    for box in boxes:
        assert box.left >= 0
        assert box.left + box.width <= WIDTH
        assert box.top + box.height <= layout.height


def _apart(one: Box, two: Box) -> bool:
    return (
        one.left + one.width <= two.left
        or two.left + two.width <= one.left
        or one.top + one.height <= two.top
        or two.top + two.height <= one.top
    )


def test_a_shorter_season_is_drawn_too(tmp_path: Path) -> None:
    """Three dates make a picture as well; a file is written."""
    days = DATES[:3]
    fields = tuple(
        replace(field, ndvi=dict.fromkeys(days, 0.4), left_out={}) for field in SURVEY.fields
    )
    short = replace(SURVEY, maps={day: SURVEY.maps[day] for day in days}, fields=fields)
    draw(short, tmp_path / "ndvi.png")
    assert (tmp_path / "ndvi.png").stat().st_size > 20_000


def test_a_field_without_a_clear_date_has_no_curve(tmp_path: Path) -> None:
    """Where every date of a field is cloudy, the others are drawn all the same."""
    cloudy = replace(SURVEY.fields[0], ndvi={}, left_out=dict.fromkeys(DATES, 0.0))
    draw(replace(SURVEY, fields=(cloudy, *SURVEY.fields[1:])), tmp_path / "ndvi.png")
    assert (tmp_path / "ndvi.png").exists()


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where a folder stands in the picture's place, one sentence names it."""
    (tmp_path / "ndvi.png").mkdir()
    with pytest.raises(OutputError, match=r"ndvi\.png can't be written .*: make room"):
        draw(SURVEY, tmp_path / "ndvi.png")


def test_without_matplotlib_the_demo_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing extra is named before anything is made."""
    find = util.find_spec
    monkeypatch.setattr(
        "shoestring_demo.picture.find_spec",
        lambda name: None if name == "matplotlib" else find(name),
    )
    with pytest.raises(MissingExtraError, match=r"shoestring\[plot\]"):
        run_demo(tmp_path / "demo", tell=print, note=print)
    assert not (tmp_path / "demo").exists()


def test_dates_are_written_in_english(figure: Figure) -> None:
    """Month names do not depend on the machine's language."""
    months = {text.get_text().split()[-1] for text in figure.findobj(Text)
              if text.get_text()[:1].isdigit() and " " in text.get_text()}  # fmt: skip
    assert {"May", "Jun", "Jul", "Aug", "Sep", "Oct"} <= months
    assert date(2025, 5, 8) + timedelta(days=165) == DATES[-1]
