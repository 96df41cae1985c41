"""What is drawn is what is said: one figure is rounded once, and names its time and whether net."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from findings_check import collect_findings
from hypothesis import given
from hypothesis import strategies as st
from published import publish, read_texts

from segkit.core.findings import Figure
from segkit.core.periods import GIVEN
from segkit.evidence.kpis import measure_kpis
from segkit.plan.models import Goal
from segkit.profiles.concentration import measure_concentration
from segkit.report import bases, customer_base, kpis, plan, season, sizes, targeting, usefulness
from segkit.report.shared.figures import write_value
from segkit.report.shared.numbers import THIN_SPACE, format_points, format_share
from segkit.report.shared.sentences import write_figure, write_finding
from segkit.report.shared.tables import build_table
from segkit.validation.usefulness import RFM

PERCENT = re.compile(r"\d+(?:\.\d+)?%")
PERIOD = "all time to 2026-03-31"  # of the tables that these tests publish
NAMED = re.compile(r"[^:;.]*: ")  # a level's name may hold a percentage
SUMS = re.compile(r"spend|(?<!estimated_)sales|profit|order_value|lifetime_value")


def read_alt(ax) -> str:
    return ax.figure._segkit_alt.replace(THIN_SPACE, " ")


# A whole run.


def list_outputs(run: Path) -> Iterator[tuple[str, dict]]:
    """Return the outputs of each step's notebook."""
    for path in sorted(run.glob("0*/notebook.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                yield path.parent.name, output


def list_written(run: Path, step: str) -> set[str]:
    """Return the percentages that a step says, and those that its tables hold."""
    written = set()
    for name, output in list_outputs(run):
        if name == step and "text/html" in output.get("data", {}):
            written |= set(PERCENT.findall("".join(output["data"]["text/html"])))
    for path in run.glob(f"{step}/published/*.parquet"):
        table = pd.read_parquet(path).select_dtypes("number")
        shares = table.to_numpy(float, na_value=np.nan).ravel()
        written |= {format_share(share) for share in shares[np.abs(shares) <= 10]}
    return written


def test_every_percentage_of_a_chart_is_that_of_a_sentence_or_table(sample_shop):
    run = sample_shop / "runs" / "sample_shop"
    drawn = 0
    for step, output in list_outputs(run):
        alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        found = set(PERCENT.findall(NAMED.sub("", alt))) - {"20%"}  # a name: the first fifth
        assert found <= list_written(run, step), f"{step}: {alt}"
        drawn += len(found)
    assert drawn > 100


def test_every_sum_of_money_has_a_period_and_is_called_net_or_gross(sample_shop):
    run = sample_shop / "runs" / "sample_shop"
    told = 0
    for finding in collect_findings(run):
        for figure in finding.figures:
            is_sum = figure.kind in ("money", "large") or figure.name == "spend_share"
            if not is_sum or figure.cell is None:
                continue
            assert figure.period, f"{finding.kind}: {figure.name}"
            told += 1
            if SUMS.search(figure.cell.column):
                assert re.search(r"\b(net|gross)\b", finding.text, re.IGNORECASE), finding.text
    assert told > 10


# One rounding.


@given(st.integers(-100_000, 100_000))
def test_a_share_is_rounded_alike_in_sentences_tables_and_charts(ten_thousandths):
    share = ten_thousandths / 100_000
    exact = (Decimal(ten_thousandths) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)
    text = f"{exact + 0:f}%".replace("-0.0%", "0.0%").replace("-", "−")
    assert write_figure(Figure("share", share, kind="share")) == text
    assert write_value(share, "share") == text
    assert f">{text}<" in build_table(pd.DataFrame({"a_share": [share]}), caption="c")
    assert format_points(share).lstrip("+") == text.rstrip("%")


def make_curve() -> pd.DataFrame:
    shares = np.linspace(0, 1, 11)
    return pd.DataFrame(
        {"predictor": RFM, "customer_share": shares, "spend_share": shares**0.5, "n": 50}
    )


def test_the_first_fifth_of_a_gains_chart_is_the_one_that_is_told():
    measured = pd.DataFrame(
        {
            "outcome": ["later_spend"],
            "measure": ["top_fifth_share"],
            "predictor": [RFM],
            "estimate": [0.7395],
        }
    )
    # On the curve it would be 44.7 %.
    assert f"{RFM}: 74.0%" in read_alt(usefulness.plot_gains(make_curve(), measured=measured))
    assert "%" not in read_alt(usefulness.plot_gains(make_curve()))


def test_a_hidden_share_of_the_top_fifth_is_not_read_off_the_curve():
    customers = pd.DataFrame({"customer_id": range(12), "spend": [1.0] * 11 + [90.0]})
    curve, parts = measure_concentration(customers, "spend", smallest_cell=1)
    shown = publish(parts, customer_base.CONCENTRATION)
    assert shown.frame.set_index("part")["value_share"].isna()["top fifth"]
    alt = read_alt(customer_base.plot_lorenz(curve, parts=shown))
    assert "top fifth" not in alt


def test_a_fit_that_is_not_known_is_not_told_as_the_middle_where_it_is_drawn():
    table = pd.DataFrame(
        {"segment_name": ["A"], "attractiveness": [0.7], "fit": [np.nan], "customer_share": [0.126]}
    )
    alt = read_alt(targeting.plot_targets(table))
    assert "fit not known, drawn in the middle, 12.6% of customers" in alt


# A chart stands for the sentence above it.


def make_base() -> pd.DataFrame:
    rows = []
    for feature, index in (("age_band", 100), ("country", 160), ("device", 101), ("city", 102)):
        rows.append((feature, "all known", 100, 1.0, 100.0))
        rows.append((feature, "one", 60, 0.6, index))
        rows.append((feature, "other", 40, 0.4, 250 - 1.5 * index))
    columns = ["feature", "level", "customer_count", "customer_share", "value_index"]
    return pd.DataFrame(rows, columns=columns).assign(unknown_count=0)


def test_a_base_draws_the_index_of_the_features_that_are_spoken_of():
    table = make_base()
    told = publish(table, bases.BASE).read_figure(
        "value_index", where={"feature": "city", "level": "one"}, kind="index", name="index"
    )
    spoken = [write_finding("bases.base.alike", [told])]
    ax = bases.plot_base(table, told=spoken, most=1, value_name="net spend", period=PERIOD)
    assert "one: 60.0%, index 102" in read_alt(ax)
    assert "index 160" not in read_alt(ax)
    assert "index of net spend; all time to 2026-03-31" in read_alt(ax)
    shares, indices = ax.figure.axes
    assert [bar.get_width() for bar in shares.patches] == [0.4, 0.6, 0]
    assert [bar.get_width() for bar in indices.patches] == pytest.approx([-3, 2, 0])
    assert indices.get_title(loc="right") == "index of net spend, mean customer = 100"


@pytest.mark.parametrize(
    ("severity", "words"),
    [("reject", "3 lines without a customer are left out"), ("note", "3 lines without a customer")],
)
def test_lines_without_a_customer_are_told_as_the_plan_has_them(severity, words):
    rows = [
        ("order_lines", "missing_customer", severity, 3),
        ("order_lines", "zero_price", "reject", 9),
        ("tickets", "missing_customer", "reject", 7),
    ]
    quality = pd.DataFrame(rows, columns=["table", "rule", "severity", "row_count"])
    told = read_texts(season.state_lines(publish(quality, plan.QUALITY)))
    assert len(told) == 1
    assert told[0].startswith(words)
    assert ("are counted in" in told[0]) == (severity == "note")
    assert season.state_lines(publish(quality.iloc[1:], plan.QUALITY)) == []


# Net or gross, and of which time.

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": range(40),
        "order_count": [2] * 40,
        "mean_order_value": [100.0] * 40,
        "total_spend": [150.0] * 40,
    }
)


def tell_goal(target: float | None, tables: dict, customers: pd.DataFrame = CUSTOMERS):
    goals = (Goal(name="g", text="Sell more", kpi="mean_order_value", target=target),)
    counted = kpis.count_kpis(measure_kpis(goals, customers, tables), customers)
    shown = kpis.write_kpis(publish(counted, kpis.KPIS))
    told = [text.replace(THIN_SPACE, " ") for text in read_texts(kpis.state_kpis(shown))]
    return shown.frame.iloc[0], told


def test_a_goal_that_only_the_gross_order_value_meets_is_missed_and_the_sentence_says_so():
    row, told = tell_goal(80.0, {"order_lines": None})
    assert (row["value"], row["met"], row["measure"]) == (
        75,
        "no",
        "Mean order value, net of returns",
    )
    assert told == [
        "“Sell more”: over all time to 2026-03-31 an order brings EUR 75.00 net of returns and "
        "misses the target of EUR 80.00; gross, with what was sent back, it would be EUR 100.00, "
        "which meets it. The net one counts."
    ]


def test_a_goal_that_both_meet_or_that_has_no_target_is_told_with_both():
    row, told = tell_goal(70.0, {"order_lines": None})
    assert row["met"] == "yes"
    assert told[0].endswith("EUR 100.00 gross; either meets the target of EUR 70.00.")
    row, told = tell_goal(None, {"order_lines": None})
    assert row["met"] == "no target"
    assert told[0].endswith("EUR 75.00 net of returns, EUR 100.00 gross.")


def test_an_order_value_that_a_plan_gives_is_neither_net_nor_gross():
    row, told = tell_goal(80.0, {})
    assert (row["value"], row["met"]) == (100, "yes")
    assert row["measure"] == "Mean order value, as the customers table gives it"
    assert told == []


def make_sizes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment_name": ["A", "B"],
            "segment": [0, 1],
            "customer_count": [60, 40],
            "customer_share": [0.6, 0.4],
            "spend_share": [0.844, 0.156],
        }
    )


def test_a_share_of_spend_names_its_time_in_the_chart():
    alt = read_alt(sizes.plot_segment_sizes(publish(make_sizes(), sizes.SIZES)))
    assert alt.startswith("Bars of the share of customers and share of net spend; all time to 2026")
    assert "A: 60.0% of customers, 84.4% of net spend" in alt


def test_what_the_tables_give_is_not_called_net_nor_all_time():
    alt = read_alt(sizes.plot_segment_sizes(make_sizes(), period=GIVEN))
    assert "share of spend; the time that the tables cover" in alt
    assert "net" not in alt
    share = Figure("spend_share", 0.844, kind="share", period=GIVEN)
    customers = Figure("customer_share", 0.6, kind="share", period=GIVEN)
    words = {"segment_name": "A"}
    told = write_finding("sizes.segments.size_and_spend", [customers, share], words=words)
    assert told.text == "A: 60.0% of customers, 84.4% of spend, as given."


def test_figures_of_two_times_in_a_sentence_have_no_time_in_common():
    last = Figure("spend_share", 0.844, kind="share", period="the last 365 days to 2026-03-31")
    ever = Figure("customer_share", 0.6, kind="share", period=PERIOD)
    with pytest.raises(Exception, match="span"):
        write_finding("sizes.segments.size_and_spend", [ever, last], words={"segment_name": "A"})
