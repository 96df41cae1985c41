"""Tables are escaped, aligned and named; findings are plain sentences."""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import re

import numpy as np
import pandas as pd
import pytest
from demo_report import HOSTILE, capture_displays
from hypothesis import given
from hypothesis import strategies as st
from published import publish

import segkit.report
from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.findings import Finding
from segkit.core.privacy import Shape, publish_table
from segkit.report import show_findings, show_table
from segkit.report.shared import charts
from segkit.report.shared.figures import show_chart
from segkit.report.shared.numbers import (
    format_money,
    format_number,
    format_share,
    join_words,
    plural,
)
from segkit.report.shared.tables import build_table, guess_format, label_column, lay_out_view
from segkit.report.shared.views import FEATURE, RULE, View


def test_a_small_table_by_hand():
    df = pd.DataFrame({"segment_name": ["A & B"], "customer_count": [1234]}, index=[7])
    assert build_table(df, caption="Size") == (
        '<div class="table"><div class="scroll" role="region" tabindex="0" aria-label="Size">'
        "<table><caption><span>Size</span></caption>\n"
        '<thead><tr><th scope="col" style="text-align:left">Segment</th>'
        '<th scope="col" class="number">Customers</th></tr></thead>\n'
        '<tbody>\n<tr><th scope="row" style="text-align:left">A &amp; B</th>'
        '<td class="number">1\u202f234</td></tr>\n</tbody></table></div></div>'
    )


def test_text_from_data_headings_and_captions_is_escaped():
    df = pd.DataFrame({HOSTILE: [HOSTILE, '"><img src=x onerror=alert(1)>']})
    markup = build_table(df, caption=f'{HOSTILE}" onfocus="alert(1)')
    assert "<script" not in markup
    assert "<img" not in markup
    assert '" onfocus="' not in markup
    assert markup.count("&lt;script&gt;") == 4


PLAIN = build_table(pd.DataFrame({"a": ["x"]}), caption="c")


@given(st.text(max_size=30))
def test_no_text_can_open_an_element(text):
    markup = build_table(pd.DataFrame({"a": [text]}), caption="c")
    assert len(re.findall(r"<(?!/)", markup)) == len(re.findall(r"<(?!/)", PLAIN))


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("spend_share", [0.1], "share"),
        ("growth_rate", [0.1], "share"),
        ("customer_count", [1.0], "integer"),
        ("recency_days", [10.4], "integer"),
        ("mean_order_value", [10.4], "money"),
        ("unit_price", [1], "money"),
        ("rfm_score", [3.5], "number"),
        ("stability", [0.8], "number"),
        ("year", [2026], "text"),
        ("customer_name", ["x"], "text"),
        ("first_order_on", [datetime.date(2026, 1, 2)], "date"),
        ("ordered_at", pd.to_datetime(["2026-01-02"]), "date"),
        ("ready", [True], "text"),
    ],
)
def test_formats_are_guessed_from_names_and_types(name, values, kind):
    assert guess_format(pd.Series(values, name=name)) == kind


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("customer_share", "Share of customers"),
        ("smallest_customer_share", "Smallest customer share"),
        ("open_share", "Open share"),
        ("category_count", "Categories"),
        ("mean_resolution_hours", "Mean resolution, hours"),
        ("kpi", "KPI"),
        ("total_spend", "Total spend"),
    ],
)
def test_headings_carry_the_unit_of_their_name(name, label):
    assert label_column(name) == label


def cells(markup: str) -> list[str]:
    return re.findall(r"<t[dh][^>]*>([^<]*)<", markup.split("<tbody>")[1])


def test_values_are_written_by_their_format():
    df = pd.DataFrame(
        {
            "name": [None, ""],
            "share": [0.1234, None],
            "spend": [1234.5, -2.0],
            "day": [datetime.date(2026, 1, 2), None],
            "ready": [True, False],
            "parts": [["a", "b"], []],
            "x": [np.inf, 0.125],
        }
    )
    assert cells(build_table(df, caption="c")) == [
        *("–", "12.3%", "1\u202f235", "2026-01-02", "yes", "a, b", "–"),
        *("–", "–", "−2", "–", "no", "–", "0.13"),
    ]


def test_columns_choose_order_and_headings_and_formats_overrule_the_guess():
    df = pd.DataFrame({"a": ["x"], "b_share": [2.0], "c": [1.5]})
    markup = build_table(
        df, caption="c", columns={"c": "See", "b_share": ""}, formats={"b_share": "number"}
    )
    assert "See" in markup
    assert "B share" in markup
    assert cells(markup) == ["1.50", "2"]


def test_currency_stands_in_the_heading_once():
    df = pd.DataFrame({"total_spend": [1.0], "order_count": [1]})
    assert build_table(df, caption="c", currency="EUR").count("EUR") == 1


def test_bars_are_measured_against_the_largest():
    df = pd.DataFrame({"spend_share": [0.5, 0.25, None, -0.1]})
    markup = build_table(df, caption="c", bars=["spend_share"])
    sizes = [part.split('"')[0] for part in markup.split("--size:")[1:]]
    assert sizes == ["1", "0.5", "0", "0"]


def test_rows_beyond_the_limit_are_counted():
    df = pd.DataFrame({"a": range(1200)})
    assert "1\u202f190 more rows not shown." in build_table(df, caption="c", max_rows=10)
    assert "not shown" not in build_table(df.head(10), caption="c", max_rows=10)


def test_an_empty_table_says_why():
    df = pd.DataFrame({"a": []})
    assert "There are no rows to show." in build_table(df, caption="c")
    df = empty_table(["a"], "No market table <was> given.")
    markup = build_table(df, caption="Cells <b>")
    assert "<strong>Cells &lt;b&gt;.</strong> No market table &lt;was&gt; given." in markup
    assert "<table" not in markup


def test_a_wrong_column_or_format_is_named():
    df = pd.DataFrame({"spend": [1.0]})
    with pytest.raises(SegkitError, match="Did you mean 'spend'"):
        build_table(df, caption="c", bars=["spent"])
    with pytest.raises(SegkitError, match=r"unknown format of column spend.*Did you mean 'money'"):
        build_table(df, caption="c", formats={"spend": "mony"})


def test_showing_displays_the_same_html_and_leaves_the_table_alone():
    df = pd.DataFrame({"a": [1]})
    outputs = []
    with capture_displays(outputs):
        show_table(publish(df, View(Shape("a", population="rows"))), caption="c")
    assert outputs[0].data["text/html"] == build_table(df, caption="c")
    pd.testing.assert_frame_equal(df, pd.DataFrame({"a": [1]}))


def test_findings_are_escaped_and_nothing_is_shown_for_none():
    outputs = []
    with capture_displays(outputs):
        show_findings([Finding("c", f"The category {HOSTILE} grew.")], title="Found & kept")
        show_findings([])
    assert len(outputs) == 1
    markup = outputs[0].data["text/html"]
    assert "<li>The category &lt;script&gt;alert(1)&lt;/script&gt; grew.</li>" in markup
    assert "Found &amp; kept" in markup


def test_numbers_read_as_one_word_and_missing_ones_as_a_dash():
    assert format_number(-1234567) == "−1\u202f234\u202f567"
    assert format_share(0.5, 0) == "50%"
    assert format_share(float("nan")) == "–"
    assert format_money(pd.NA, "EUR") == "–"
    assert format_money(99.5, "EUR") == "EUR\u202f99.50"
    assert plural(0, "row") == "0 rows"
    assert join_words(["a"]) == "a"
    assert join_words([]) == ""


def test_a_folded_table_opens_only_when_asked_for():
    markup = build_table(pd.DataFrame({"level": ["a"]}), caption="All <levels>", folded=True)
    assert markup.startswith(
        '<details class="code rows"><summary>Show the table: All &lt;levels&gt;'
    )
    assert markup.rstrip().endswith("</details>")
    assert "<details" not in build_table(pd.DataFrame({"level": ["a"]}), caption="Levels")


def test_what_has_not_passed_the_gate_is_not_shown():
    frame = pd.DataFrame({"label": ["a"], "value": [1]})
    with pytest.raises(SegkitError, match="only a published table is shown"):
        show_table(frame, caption="c")
    with pytest.raises(SegkitError, match="only charts of published tables are shown"):
        show_chart(charts.plot_bars(frame), caption="c")
    with pytest.raises(SegkitError, match="only findings are shown"):
        show_findings(["Three customers bring everything."])


NOBODY = Shape("t", population="rules")


@pytest.mark.slow
def test_every_view_shows_rows_that_name_nothing():
    views = {}
    for found in pkgutil.iter_modules(segkit.report.__path__):
        module = importlib.import_module(f"segkit.report.{found.name}")
        for name, thing in vars(module).items():
            if isinstance(thing, View) and thing.columns:
                views[f"{found.name}.{name}"] = thing
    assert len(views) > 30
    worded = 0
    for name, view in views.items():
        texts = [column for column, shown in view.columns.items() if shown.kind in (FEATURE, RULE)]
        cells = {column: [np.nan, np.nan] for column in view.columns}
        table = pd.DataFrame(cells | {column: [None, "order_count"] for column in texts})
        laid = lay_out_view(publish_table(table, NOBODY, smallest_cell=5, view=view))
        shown = laid.pop("table")
        for column in texts:
            assert list(shown[column].isna()) == [True, False], name
        page = build_table(shown, caption="t", **laid)
        assert "nan" not in re.sub("<[^>]*>", " ", page).casefold().split(), name
        worded += len(texts)
    assert worded > 5
