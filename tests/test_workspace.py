"""What a notebook does with its workspace: it shows what passed the gate, and keeps things."""

from __future__ import annotations

import datetime
import json

import ibis
import pandas as pd
import pytest
from demo_report import capture_displays
from matplotlib.figure import Figure as Picture
from small_plans import make_plan

from segkit.core.errors import SegkitError
from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Shape
from segkit.report.shared.charts import plot_bars
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.views import Column, View
from segkit.runs.layout import RunFolder
from segkit.runs.ledgers import StepLedger
from segkit.workspace import Workspace

SPEND = View(
    Shape("spend", by=("segment",), adds_up=False),
    {
        "segment": Column("Segment"),
        "customer_count": Column("Customers"),
        "spend": Column("Net spend", "money"),
    },
)
NAMES = {"segment": "segment_name"}
SIZES = View(Shape("sizes", by=("segment_name",), adds_up=False))
LEVELS = View(
    Shape(
        "levels", by=("level",), within=("segment_name",), wholes=("segment_count",), adds_up=False
    )
)
FOUND = [Finding("demo", "Regulars bring <most>.", figures=(Figure("share", 0.6),))]


def make_spend() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment": ["Regulars", "Newcomers", "Sleepers"],
            "customer_count": [40, 30, 2],
            "spend": [9000.0, 3000.0, 77.0],
            "spend_largest": [400.0, 300.0, 70.0],
            "spend_second": [380.0, 290.0, 7.0],
        }
    )


@pytest.fixture
def ws(tmp_path) -> Workspace:
    run = RunFolder(tmp_path / "runs" / "lab")
    nothing = pd.DataFrame()
    return Workspace(
        plan=make_plan(tmp_path, {"order_lines": "lines.csv"}),
        step="05_analysis",
        run=run,
        as_of=datetime.date(2024, 12, 31),
        random_state=1,
        tables={"order_lines": ibis.memtable({"customer_id": ["a"]})},
        quality=nothing,
        counts=nothing,
        statuses=nothing,
        names={},
        learned=nothing,
        _ledger=StepLedger(run, "05_analysis", 5),
    )


def show(ws: Workspace, *things, **words) -> list:
    """Return what a cell with this call puts out."""
    outputs = []
    with capture_displays(outputs):
        assert ws.show(*things, **words) is None, "a cell that ends with it would put it out twice"
    return outputs


def read_markup(output) -> str:
    return output.data["text/html"]


def test_a_finished_table_is_shown_through_the_gate_with_its_currency(ws):
    (output,) = show(ws, make_spend(), SPEND, caption="Spend by segment")
    page = read_markup(output)
    assert "Net spend, EUR" in page
    assert "9\u202f000" in page
    assert ">77" not in page, "two customers are fewer than the plan's smallest cell"
    assert (ws.folder / "published" / "spend.parquet").is_file()


def test_what_passed_the_gate_is_not_published_twice(ws):
    shown = ws.publish(make_spend(), SPEND)
    kept = ws.folder / "published" / "spend.parquet"
    kept.unlink()
    (output,) = show(ws, shown.keep(shown.frame["segment"] == "Regulars"), caption="Regulars")
    assert "Newcomers" not in read_markup(output)
    assert not kept.exists()


def test_a_table_is_shown_once_under_another_name_and_time(ws):
    words = {"name": "spend_before", "days": 30, "caption": "Net spend"}
    (output,) = show(ws, make_spend(), SPEND, **words)
    assert "the last 30 days to 2024-12-31" in read_markup(output)
    assert (ws.folder / "published" / "spend_before.parquet").is_file()


@pytest.mark.parametrize("thing", [make_spend(), make_spend().iloc[0], "a text", 7, None])
def test_rows_that_did_not_pass_the_gate_are_refused_in_words(ws, thing):
    with pytest.raises(SegkitError) as raised:
        show(ws, thing, caption="Rows")
    assert "found" in str(raised.value).lower() or type(thing).__name__ in str(raised.value)


def test_a_chart_of_rows_is_refused_and_one_of_a_published_table_is_shown(ws):
    shown = ws.publish(make_spend(), SPEND)
    names = {"label": "segment", "value": "spend"}
    (output,) = show(ws, plot_bars(shown, **names), caption="Spend by segment.")
    assert output.metadata["image/png"]["caption"] == "Spend by segment."
    with pytest.raises(SegkitError, match="only charts of published tables are shown"):
        show(ws, plot_bars(make_spend(), **names), caption="Spend by segment.")


def test_an_analyst_s_own_picture_needs_words_for_those_who_cannot_see_it(ws):
    ax = Picture().subplots()
    with pytest.raises(SegkitError, match="no alt text"):
        show(ws, ax, caption="Mine")
    (output,) = show(ws, ax, caption="Mine", alt="An empty frame.")
    assert output.metadata["image/png"]["alt"] == "An empty frame."


def test_findings_are_shown_under_a_title_and_escaped(ws):
    (output,) = show(ws, FOUND, title="All & all")
    assert "All &amp; all" in read_markup(output)
    assert "&lt;most&gt;" in read_markup(output)
    assert output.metadata["text/html"]["findings"][0]["text"] == "Regulars bring <most>."


def test_no_findings_show_nothing(ws):
    assert show(ws, []) == []


def test_a_table_without_a_caption_is_refused(ws):
    with pytest.raises(SegkitError, match="has no caption"):
        show(ws, make_spend(), SPEND)


def test_a_table_without_rows_says_why_unless_it_is_to_be_skipped(ws):
    none = make_spend().head(0)
    assert len(show(ws, none, SPEND, caption="Spend")) == 1
    (ws.folder / "published" / "spend.parquet").unlink()
    assert show(ws, none, SPEND, caption="Spend", skip_empty=True) == []
    assert not (ws.folder / "published" / "spend.parquet").exists()


def test_exhibits_are_shown_in_their_order_each_with_its_words(ws):
    table = ws.publish(make_spend(), SPEND)
    both = [Exhibit(thing=FOUND, title="Told"), Exhibit(thing=table, caption="Shown", folded=True)]
    told, shown = show(ws, both)
    assert "Told" in read_markup(told)
    assert "Shown" in read_markup(shown)
    assert "<details" in read_markup(shown)


def test_tables_of_a_topic_are_published_in_order_under_their_views_names(ws):
    both = [(make_spend(), SPEND.rename("first")), (make_spend(), SPEND.rename("second"))]
    first, second = ws.publish_each(both, days=365)
    assert (first.shape.name, second.shape.name) == ("05_analysis/first", "05_analysis/second")
    assert first.period == second.period == "the last 365 days to 2024-12-31"


def test_of_a_segment_whose_size_is_hidden_nothing_is_shown_in_other_tables(ws):
    sizes = ws.publish(make_spend()[["segment", "customer_count"]].rename(columns=NAMES), SIZES)
    levels = pd.DataFrame(
        {
            "segment_name": ["Regulars", "Sleepers"],
            "level": ["NO", "NO"],
            "customer_count": [20, 20],
        }
    )
    with pytest.raises(SegkitError, match="segment_count"):
        ws.publish(levels, LEVELS)
    beside = ws.publish(levels, LEVELS, sizes=sizes)
    assert beside.frame.set_index("segment_name")["customer_count"].isna().to_dict() == {
        "Regulars": False,
        "Sleepers": True,
    }


def test_what_is_kept_is_what_later_steps_read(ws):
    ws.keep("raw", make_spend())
    ws.keep("shown", ws.publish(make_spend(), SPEND))
    assert ws.read_table("05_analysis", "raw")["spend"].tolist() == [9000.0, 3000.0, 77.0]
    assert ws.read_table("05_analysis", "shown")["spend"].isna().sum() >= 1


def test_facts_that_are_kept_one_by_one_stand_together(ws):
    ws.keep("findings", FOUND)
    ws.keep("scheme", "tiers")
    facts = ws.read_facts("05_analysis")
    assert facts["step"] == "05_analysis"
    assert facts["scheme"] == "tiers"
    assert facts["findings"][0]["figures"][0]["value"] == 0.6


def test_facts_of_an_earlier_opening_do_not_stay(ws, tmp_path):
    ws.folder.mkdir(parents=True)
    (ws.folder / "facts.json").write_text(json.dumps({"step": "05_analysis", "old": 1}))
    ws.keep("new", 2)
    assert ws.read_facts("05_analysis") == {"step": "05_analysis", "new": 2}


def test_texts_and_documents_are_kept_as_files_and_none_takes_them_away(ws):
    class Document:
        def write_json(self, path):
            path.write_text("{}")

    ws.keep("quiz.toml", "[[rules]]\n")
    ws.keep("quiz.json", Document())
    assert ws.find_file("05_analysis", "quiz.toml").read_text() == "[[rules]]\n"
    assert ws.find_file("05_analysis", "quiz.json").read_text() == "{}"
    ws.keep("quiz.json", None)
    with pytest.raises(SegkitError, match=r"has not left its quiz\.json"):
        ws.find_file("05_analysis", "quiz.json")


def test_a_table_under_a_file_s_name_is_refused(ws):
    with pytest.raises(SegkitError, match="only a document or a text"):
        ws.keep("segments.csv", make_spend())


def test_a_feature_is_called_by_its_label_or_by_the_plan_s_own_words(ws):
    assert ws.name_feature("recency_days") == "days since the last order"
