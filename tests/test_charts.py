"""Charts draw finished tables, say in words what they show, and come out the same each time."""

from __future__ import annotations

import base64
import io
import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from demo_report import PLOTS, capture_displays, draw_charts, draw_demo, make_tables
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from published import publish

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.privacy import Shape
from segkit.profiles.concentration import measure_concentration
from segkit.report import bases, customer_base, descriptors, differences, plan, reach, rfm, sizes
from segkit.report.market import white_space
from segkit.report.shared import charts
from segkit.report.shared.charts import LOW_TO_HIGH
from segkit.report.shared.figures import (
    BLUE,
    DOTS_PER_INCH,
    ORANGE,
    SERIES,
    chart_style,
    describe_chart,
    pick_ink,
    render_chart,
    show_chart,
)
from segkit.report.shared.views import View


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return draw_demo()[0]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Axes]:
    return draw_demo()[1]


@pytest.fixture(scope="module")
def bars_picture(tables) -> tuple[bytes, int, int]:
    return render_chart(charts.plot_bars(tables["bars"]))


def read_alt(ax: Axes) -> str:
    return ax.figure._segkit_alt


def read_texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.slow
def test_every_chart_is_in_the_demo_and_says_what_it_shows(drawn):
    assert set(drawn) == set(PLOTS)
    for name, ax in drawn.items():
        assert isinstance(ax, Axes), name
        assert len(read_alt(ax)) > 40, name
        assert not ax.xaxis_inverted(), name


def test_every_chart_s_docstring_says_how_to_read_it():
    for name, plot in PLOTS.items():
        assert "How to read it:" in plot.__doc__, name


def test_no_chart_changes_its_table(tables, drawn):
    assert drawn
    for name, table in make_tables().items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_the_gini_of_two_customers_who_bring_1_and_3_is_a_quarter():
    table = pd.DataFrame({"customer_share": [0.5, 1.0], "value_share": [0.25, 1.0]})
    customers = pd.DataFrame({"customer_id": ["a", "b"], "spend": [1.0, 3.0]})
    parts = measure_concentration(customers, "spend", smallest_cell=1)[1]
    alt = read_alt(customer_base.plot_lorenz(table, parts=parts))
    assert "Gini coefficient 0.25" in alt
    # One of two is nearest to a fifth; on the curve it would be 30.0%, which no sentence says.
    assert "top fifth of customers bring 75.0% of net spend" in alt


def test_bars_are_ranked_and_say_how_many_are_left_out():
    table = pd.DataFrame({"label": list("abcdefghijklmnop"), "value": range(1, 17)})
    table.loc[1, "value"] = 4000
    ax = charts.plot_bars(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == list("cdefghijklmnopb")
    assert [bar.get_width() for bar in ax.patches] == [*range(3, 17), 4000]
    assert "1 more not shown" in ax.get_title(loc="left")
    assert "Largest: b, 4\u202f000" in read_alt(ax)


def test_negative_bars_are_drawn_to_the_left():
    ax = charts.plot_bars(pd.DataFrame({"label": ["a", "b"], "value": [-5, 5]}))
    assert ax.get_xlim()[0] < -5


def test_a_missing_cell_is_a_dash_and_not_a_zero():
    table = pd.DataFrame(
        {"country": ["FI", "FI"], "category": ["a", "b"], "value_share": [0.0, None]}
    )
    assert read_texts(charts.plot_cells(table)) == ["0.0%", "–"]


def test_a_grid_of_unknown_cells_is_drawn_and_says_so_with_dashes():
    table = pd.DataFrame({"country": ["FI"], "category": ["a"], "value_share": [None]})
    assert read_texts(charts.plot_cells(table)) == ["–"]


def test_the_rfm_grid_has_recent_and_frequent_customers_at_the_top_right():
    table = make_tables()["rfm"].assign(customer_count=0)
    table.loc[(table["recency_score"] == 5) & (table["frequency_score"] == 5), "customer_count"] = 9
    texts = read_texts(rfm.plot_rfm_grid(table))
    assert texts[4] == "9"  # the last cell of the first row
    assert texts.count("0") == 24


def test_candidates_mark_the_recommended_one_and_those_that_fail(drawn):
    alt = read_alt(drawn["plot_candidates"])
    assert "behaviour, 4 segments: stability 0.81" in alt
    assert alt.count("recommended") == 1
    assert alt.count("does not pass") == 2


def test_stability_says_what_data_without_groups_reach_and_where_that_is_not_known(drawn):
    alt = read_alt(drawn["plot_stability"])
    assert "2 segments: 0.93, without groups 0.50" in alt
    assert "3 segments: 0.86, without groups not measured" in alt


def test_segments_that_are_not_to_be_trusted_are_orange(drawn):
    ax = drawn["plot_segment_stability"]
    colours = [mpl.colors.to_hex(colour) for colour in ax.collections[-1].get_facecolors()]
    assert colours == [ORANGE, ORANGE, BLUE, BLUE, BLUE]  # from the bottom, the last row
    assert "At risk: 0.58, do not trust" in read_alt(ax)


def test_paths_colour_what_merges_and_draw_every_band(drawn):
    ax = drawn["plot_paths"]
    bands = [patch for patch in ax.patches if type(patch).__name__ == "PathPatch"]
    boxes = [patch for patch in ax.patches if type(patch).__name__ == "Rectangle"]
    assert (len(bands), len(boxes)) == (8, 9)
    orange = [box for box in boxes if mpl.colors.to_hex(box.get_facecolor()) == ORANGE]
    assert [abs(box.get_height()) for box in orange] == [0.25]
    assert "4 segments, number 3: 25.0% of customers, merges" in read_alt(ax)


def test_targets_stand_at_their_scores(drawn):
    ax = drawn["plot_targets"]
    assert ax.collections[0].get_offsets()[1].tolist() == [0.7, 0.9]
    assert "Big baskets: attractiveness 0.70, fit 0.90, 20.0% of customers" in read_alt(ax)


def test_a_segment_that_may_not_be_seen_has_a_name_and_no_bar():
    table = make_tables()["sizes"].assign(customer_share=[0.6, None, None, 0.2, 0.2])
    table.loc[[1, 2], "spend_share"] = None
    ax = sizes.plot_segment_sizes(table)
    alt = read_alt(ax)
    assert "Loyal regulars: 60.0% of customers, 46.0% of net spend" in alt
    assert alt.endswith("Newcomers: not shown; Big baskets: not shown.")
    assert sum(bar.get_width() == 0 for bar in ax.patches) == 4


def test_a_hidden_segment_has_an_empty_panel_and_no_stripe_in_the_mosaic(tables):
    panels = tables["panels"].assign(known_count=100, segment_count=100, base_count=323)
    panels.loc[panels["segment_name"] == "Newcomers", "known_count"] = 3
    panels.loc[panels["segment_name"] == "At risk", "known_count"] = 20  # would tell of it
    shown = publish(panels, differences.PROFILE)
    alt = read_alt(differences.plot_profile_panels(shown))
    assert "Newcomers: not shown; At risk: not shown;" in alt
    assert "Big baskets: orders" in alt
    sized = tables["sizes"].assign(customer_count=[60, None, None, 40, 30])
    ax = descriptors.plot_mosaic(tables["mosaic"], sizes=sized)
    assert "3 levels by 3 segments" in read_alt(ax)
    assert "Newcomers" not in read_alt(ax)
    widths = {round(bar.get_width(), 4) for bar in ax.patches}
    assert widths == {round(count / 130, 4) for count in (60, 40, 30)}


def test_the_quiz_names_what_guessing_reaches_where_it_may_be_seen(tables):
    accuracies = pd.DataFrame({"way": ["guessing", "wanted"], "accuracy": [None, 0.8]})
    alt = read_alt(reach.plot_quiz(tables["quiz"], accuracies=accuracies, asked=3))
    assert "guessing reaches –, wanted is 80.0%" in alt
    assert "1. orders: 55.0%" in alt


def test_labels_at_the_end_of_lines_do_not_touch():
    table = make_tables()["monthly"]
    ax = charts.plot_trend(table, x="month", group="g", kind="money", currency="EUR")
    heights = sorted(text.xy[1] for text in ax.texts)
    room = 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])
    assert len(heights) == 4
    assert all(high - low >= room for low, high in itertools.pairwise(heights))


def test_names_of_neighbouring_points_do_not_lie_on_each_other():
    near = {"cell": list("abcd"), "size": [1e6, 1.01e6, 1.02e6, 9e6], "white_space": True}
    table = pd.DataFrame({**near, "growth_rate": [0.1, 0.101, 0.102, 0.3]})
    ax = white_space.plot_white_space(table)
    render_chart(ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def list_cut(ax: Axes) -> list[str]:
    """Return the texts that reach beyond the picture; ticks beyond it are not drawn."""
    figure = ax.figure
    figure.draw_without_rendering()
    page = figure.bbox
    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    ticks = [label for axis in axes for label in axis.get_ticklabels(which="both")]
    cut = []
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        is_inside = box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1
        if text not in ticks and text.get_text().strip() and not is_inside:
            cut.append(text.get_text())
    return cut


@pytest.mark.slow
def test_no_words_are_cut_at_the_edge_of_a_chart(drawn):
    assert {name: cut for name, ax in drawn.items() if (cut := list_cut(ax))} == {}


def test_the_heading_of_a_narrow_panel_is_not_cut():
    table = make_tables()["base"]
    names = [f"over {number}.18 to {number}.31 of the messages" for number in range(len(table))]
    ax = bases.plot_base(
        table.assign(level=names), value_name="net spend", period="all time to 2026-03-31"
    )
    assert list_cut(ax) == []


def test_months_may_be_text():
    table = pd.DataFrame({"month": ["2026-02", "2026-01"], "value": [2, 1]})
    assert "from 2026-01 to 2026-02" in read_alt(charts.plot_trend(table, x="month"))


@pytest.fixture(scope="module")
def empty() -> dict[str, Axes]:
    reason = "There is no such table in the plan."
    tables = {key: empty_table(table.columns, reason) for key, table in make_tables().items()}
    return draw_charts(tables)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PLOTS))
def test_an_empty_table_gives_a_chart_that_says_why(name, empty):
    assert "There is no such table in the plan." in read_alt(empty[name])
    assert read_texts(empty[name]) == ["There is no such table in the plan."]
    empty[name].figure.draw_without_rendering()


@pytest.mark.slow
def test_one_row_is_enough_for_every_chart():
    for name, ax in draw_charts({k: t.head(1) for k, t in make_tables().items()}).items():
        assert "no rows" not in read_alt(ax), name
        with chart_style():
            ax.figure.draw_without_rendering()


def test_a_missing_column_is_named_with_those_found():
    with pytest.raises(SegkitError, match="plot_quality: the table lacks read, rejected") as error:
        plan.plot_quality(pd.DataFrame({"table": ["a"], "accepted": [1]}))
    assert error.value.found == "table, accepted"


@pytest.mark.slow
def test_a_chart_comes_out_the_same_bytes_each_time(tables, bars_picture):
    assert render_chart(charts.plot_bars(tables["bars"])) == bars_picture


def test_a_chart_is_drawn_once_as_if_it_were_saved():
    ax = charts.plot_trend(make_tables()["monthly"], x="month", group="g")
    saved = io.BytesIO()
    with chart_style():
        ax.figure.savefig(saved, format="png", dpi=DOTS_PER_INCH)
    again = charts.plot_trend(make_tables()["monthly"], x="month", group="g")
    picture, *_size = render_chart(again)
    expected = Image.open(saved).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    found = Image.open(io.BytesIO(picture)).convert("RGB")
    assert np.array_equal(np.asarray(found), np.asarray(expected.convert("RGB")))


def test_dollar_signs_are_text_and_not_mathematics():
    table = pd.DataFrame({"label": ["$x_1$ and $\\frac{", "b"], "value": [1, 2]})
    assert render_chart(charts.plot_bars(table))[0].startswith(b"\x89PNG")


def test_a_shown_chart_carries_its_caption_and_alt_text_and_fits_the_page():
    outputs = []
    with capture_displays(outputs):
        bars = publish(make_tables()["bars"], View(Shape("bars", population="demo")))
        show_chart(charts.plot_bars(bars), caption="Look here")
    about = outputs[0].metadata["image/png"]
    assert about["caption"] == "Look here"
    assert about["alt"].startswith("Ranked bars of value")
    assert about["width"] == 732
    picture = base64.b64decode(outputs[0].data["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert b"matplotlib" not in picture.lower()
    assert len(picture) < 60_000


@pytest.mark.parametrize(("alt", "caption", "missing"), [(None, "c", "alt"), ("a", " ", "caption")])
def test_a_chart_without_alt_text_or_caption_is_refused(alt, caption, missing):
    ax = Figure().subplots()
    with pytest.raises(SegkitError, match=f"no {missing} text"):
        show_chart(ax, caption=caption, alt=alt)


def test_any_other_chart_can_be_shown_with_its_own_alt_text():
    ax = Figure(figsize=(3, 2)).subplots()
    ax.plot([1, 2])
    outputs = []
    with capture_displays(outputs):
        show_chart(ax, caption="Mine", alt="A line that rises from 1 to 2.")
    assert outputs[0].metadata["image/png"]["alt"] == "A line that rises from 1 to 2."


def test_drawing_leaves_matplotlib_s_settings_alone():
    before = dict(mpl.rcParams)
    charts.plot_bars(make_tables()["bars"])
    assert dict(mpl.rcParams) == before


def test_series_and_ink_have_enough_contrast():
    def luminance(colour):
        parts = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in mpl.colors.to_rgb(colour)
        ]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    def contrast(one, other):
        light, dark = sorted([luminance(one), luminance(other)], reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert all(contrast(colour, "white") >= 3 for colour in SERIES)
    assert contrast(BLUE, "white") >= 4.5
    assert contrast(ORANGE, "white") >= 4.5
    shades = [LOW_TO_HIGH(step / 50) for step in range(51)]
    assert min(contrast(pick_ink(shade), shade) for shade in shades) >= 4.5


def test_alt_text_is_one_line():
    ax = describe_chart(Figure().subplots(), "two\n   lines.", ["a", "b"])
    assert read_alt(ax) == "two lines. a; b."


def test_pictures_have_few_colours(bars_picture):
    picture, width, height = bars_picture
    with Image.open(io.BytesIO(picture)) as image:
        assert image.mode == "P"
        assert (image.width, image.height) == (round(width * 1.5), round(height * 1.5))
