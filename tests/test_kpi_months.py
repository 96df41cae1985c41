"""KPIs by month, and then and now: whole months, what is kept, and what is told."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import explain_empty
from segkit.evidence.kpi_changes import (
    FIRST_RUN,
    NEW,
    OTHER_SCHEME,
    REDEFINED,
    compare_values,
    define,
    list_kept,
)
from segkit.evidence.kpi_definitions import find_kpi
from segkit.evidence.kpi_limits import RUN, limit_months, summarise_limits
from segkit.evidence.kpi_months import sum_months
from segkit.evidence.kpi_rows import Source
from segkit.evidence.kpi_sums import sum_kpis
from segkit.evidence.kpi_values import compare_segments, list_lacks, measure_values
from segkit.plan.kpis import Kpi
from segkit.report import kpi_changes, kpi_segments, kpi_series, kpis
from segkit.report.kpi_units import write_amount, write_change
from segkit.runs import history
from segkit.runs.kpis import hash_earlier, read_earlier
from segkit.runs.layout import RunFolder
from segkit.runs.outputs import write_frame

AS_OF = datetime.date(2026, 6, 15)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["A", "B", "C"],
        "first_order_on": pd.to_datetime(["2026-01-10", "2026-02-10", "2026-05-01"]),
    }
)
SEGMENTS = pd.DataFrame({"customer_id": ["A", "B", "C"], "segment_name": ["X", "X", "Y"]})
TICKETS = pd.DataFrame(
    [
        ("A", "2026-01-20", 1.0),  # the first month begins in its middle
        ("A", "2026-02-01", 1.0),
        ("A", "2026-02-28", 5.0),
        ("B", "2026-04-02", 2.0),
        (None, "2026-04-02", 5.0),
        ("C", "2026-05-31", 4.0),
        ("C", "2026-06-01", 1.0),  # the last month is not over
    ],
    columns=["customer_id", "opened_at", "satisfaction"],
)
TICKETS["opened_at"] = pd.to_datetime(TICKETS["opened_at"])


def make_kpi(measure: str = "count", over: str = "tickets", **parts) -> Kpi:
    return Kpi(name="own", text="Own", over=over, measure=measure, **parts)


def sum_up(kpi: Kpi, *, as_of: datetime.date = AS_OF, tickets: pd.DataFrame = TICKETS):
    source = Source({"tickets": ibis.memtable(tickets)}, CUSTOMERS, as_of)
    months = sum_months([find_kpi("own", [kpi])], source, SEGMENTS)
    return months.assign(month=months["month"].dt.strftime("%m")) if len(months) else months


def read_values(months: pd.DataFrame, segment: str) -> dict:
    rows = months[months["segment_name"] == segment]
    return rows.set_index("month")["value"].to_dict()


def test_only_whole_months_count_and_a_total_without_rows_is_nothing():
    months = sum_up(make_kpi())
    assert read_values(months, "all") == {"02": 2, "03": 0, "04": 2, "05": 1}
    # X has both its customers from February on; Y has its one from May on.
    assert read_values(months, "X") == {"02": 1, "03": 0, "04": 0.5, "05": 0}
    y = read_values(months, "Y")
    assert np.isnan(y["04"])
    assert y["05"] == 1


def test_the_last_month_counts_on_its_last_day():
    months = sum_up(make_kpi(), as_of=datetime.date(2026, 6, 30))
    assert read_values(months, "all")["06"] == 1


def test_a_share_and_a_median_without_rows_are_missing():
    share = sum_up(make_kpi("share", where="satisfaction <= 2"))
    assert read_values(share, "all")["02"] == 0.5
    assert read_values(share, "all")["04"] == 0.5  # one of them names no customer
    assert read_values(share, "X")["04"] == 1
    assert np.isnan(read_values(share, "all")["03"])
    middle = read_values(sum_up(make_kpi("median", of="satisfaction")), "all")
    assert (middle["02"], middle["04"]) == (3, 3.5)
    assert np.isnan(middle["03"])


def test_customers_with_a_row_are_a_share_of_those_known_by_then():
    months = sum_up(make_kpi("customers"))
    assert read_values(months, "all") == {"02": 1, "03": 0, "04": 1, "05": 1}
    assert read_values(months, "X")["02"] == 0.5
    rows = months[months["segment_name"] == "X"]
    assert set(rows["unit"]) == {"share"}
    assert rows["trial_count"].tolist() == [2, 2, 2, 2]


def test_the_two_largest_contributions_are_found_for_the_gate():
    tickets = pd.concat([TICKETS, TICKETS[TICKETS["customer_id"].eq("A")]], ignore_index=True)
    months = sum_up(make_kpi(), tickets=tickets)
    row = months[(months["segment_name"] == "all") & (months["month"] == "02")].iloc[0]
    assert (row["value_sum"], row["value_largest"]) == (4, 4)
    assert np.isnan(row["value_second"]) or row["value_second"] == 0
    row = months[(months["segment_name"] == "all") & (months["month"] == "04")].iloc[0]
    assert (row["customer_count"], row["value_largest"]) == (1, 1)


def test_a_state_and_an_empty_table_have_no_months():
    state = make_kpi("count", "customers")
    assert sum_up(state).empty
    assert sum_up(make_kpi(), tickets=TICKETS.head(0)).empty
    assert limit_months(sum_up(state)).empty
    assert summarise_limits(limit_months(sum_up(state))).empty


def make_points(values, *, trials=None, segment: str = "all") -> pd.DataFrame:
    months = pd.date_range("2025-01-01", periods=len(values), freq="MS")
    return pd.DataFrame(
        {
            "kpi": "own",
            "text": "Own",
            "unit": "share" if trials is not None else "hours",
            "better": "lower",
            "segment_name": segment,
            "month": months,
            "value": values,
            "trial_count": np.nan if trials is None else trials,
        }
    )


def test_the_months_that_are_a_signal_are_named():
    values = [10.0, 12] * 6 + [30.0] + [13.0] * 8
    limits = summarise_limits(limit_months(make_points(values))).iloc[0]
    assert limits["outside_months"] == "2026-01"
    assert limits["month_count"] == 21
    points = limit_months(make_points([1.0, 3.0] * 4 + [2.1, 3.9] * 5))
    assert points.loc[points["signal"] == RUN, "month"].dt.strftime("%Y-%m").tolist() == []
    points = limit_months(make_points([1.0, 3.0] * 4 + [4.0, 6.0] * 5))
    assert points["signal"].tolist()[-3:] == [RUN] * 3
    few = summarise_limits(limit_months(make_points([1.0] * 5))).iloc[0]
    assert (few["chart"], few["note"]) == ("", "too few months for limits")


def test_signals_are_told_as_a_reason_to_look():
    values = [10.0, 12] * 6 + [30.0]
    limits = publish(summarise_limits(limit_months(make_points(values))), kpi_series.LIMITS)
    (told,) = read_texts(kpi_series.state_series(limits))
    assert told.startswith("“Own”, 2025-01 to 2026-01: outside the limits: 2026-01. The centre is")
    assert told.endswith("(individuals chart).")
    few = publish(summarise_limits(limit_months(make_points([1.0] * 5))), kpi_series.LIMITS)
    (told,) = read_texts(kpi_series.state_series(few))
    assert (
        told
        == "“Own”, 2025-01 to 2025-05: 5 months can be shown, too few for limits, which need 12."
    )
    shown = kpi_series.write_limits(few).frame
    assert shown["segment_name"].tolist() == ["all customers"]


def test_limits_are_made_of_published_months_only():
    rows = make_points([0.2] * 14, trials=np.full(14, 50.0))
    rows = rows.assign(customer_count=[40] * 13 + [3], segment_count=90, row_count=50)
    rows = rows.assign(rests_on_count=rows["customer_count"])
    rows.loc[13, "value"] = 0.99
    shown = publish(rows, kpi_series.MONTHS)
    assert np.isnan(shown.frame["value"].iloc[-1])
    limited = kpi_series.add_limits(shown)
    assert limited.frame["centre"].iloc[0] == pytest.approx(0.2)
    ax = kpi_series.plot_kpi_series(limited)
    assert "0.99" not in ax.figure._segkit_alt


# Then and now.


def keep(value: float, *, low: float, high: float, definition: str = "d", scheme: str = "s"):
    rows = [
        {
            "kpi": "own",
            "segment_name": segment,
            "scheme": scheme,
            "definition": definition,
            "unit": "share",
            "customer_count": 100.0,
            "value": value,
            "low": low,
            "high": high,
            "text": "Own",
            "better": "higher",
            "note": "",
            "is_hidden": False,
        }
        for segment in ("all", "X")
    ]
    return pd.DataFrame(rows)


def date(kept: pd.DataFrame) -> pd.DataFrame:
    return kept.assign(as_of=pd.Timestamp("2026-03-31"), run_id="r")


def test_the_interval_of_a_change_is_made_of_both():
    now = keep(0.5, low=0.4, high=0.6)
    changed = compare_values(now, date(keep(0.3, low=0.25, high=0.38))).iloc[0]
    assert changed["change"] == pytest.approx(0.2)
    assert changed["change_low"] == pytest.approx(0.2 - np.hypot(0.1, 0.08))
    assert changed["change_high"] == pytest.approx(0.2 + np.hypot(0.1, 0.05))
    assert (changed["moved"], changed["then_on"]) == ("rose", "2026-03-31")


def test_a_change_that_may_be_chance_is_called_so_and_one_that_is_not_is_judged():
    now = keep(0.5, low=0.4, high=0.6)
    alike = publish(compare_values(now, date(keep(0.45, low=0.35, high=0.55))), kpi_changes.CHANGES)
    assert read_texts(kpi_changes.state_changes(alike)) == [
        "“Own”: 50.0% now, 45.0% on 2026-03-31. The change of +5.0 points (−9.1 to +19.1) may be "
        "chance."
    ]
    rose = publish(compare_values(now, date(keep(0.3, low=0.25, high=0.38))), kpi_changes.CHANGES)
    told = read_texts(kpi_changes.state_changes(rose))
    assert len(told) == 2
    assert "which is better: a change of +20.0 points" in told[0]
    assert told[1].startswith("“Own” of “X”: 50.0% now")
    shown = kpi_changes.write_changes(rose).frame
    assert shown["whose"].tolist() == ["all customers", "X"]
    assert shown["change_text"].iloc[0] == "+20.0 points"


@pytest.mark.parametrize(
    ("before", "remarks"),
    [
        (keep(0.3, low=0.2, high=0.4, definition="other"), [REDEFINED, REDEFINED]),
        (keep(0.3, low=0.2, high=0.4, scheme="other"), ["", OTHER_SCHEME]),
        (keep(0.3, low=0.2, high=0.4).assign(kpi="another"), [NEW, NEW]),
    ],
)
def test_what_was_another_kpi_or_segment_is_not_compared(before, remarks):
    changed = compare_values(keep(0.5, low=0.4, high=0.6), date(before))
    assert changed["remark"].tolist() == remarks
    assert changed.loc[changed["remark"] != "", "then_value"].isna().all()


def test_the_first_run_says_so():
    first = compare_values(keep(0.5, low=0.4, high=0.6), keep(0.5, low=0.4, high=0.6).head(0))
    assert explain_empty(first) == FIRST_RUN
    assert read_texts(kpi_changes.state_changes(publish(first, kpi_changes.CHANGES))) == [FIRST_RUN]


def test_words_are_no_part_of_a_definition_and_conditions_are():
    one = find_kpi("own", [make_kpi("share", where="satisfaction <= 2")])
    worded = find_kpi("own", [one.kpi.model_copy(update={"text": "Other words"})])
    other = find_kpi("own", [make_kpi("share", where="satisfaction <= 3")])
    assert define(one) == define(worded) != define(other)


FIRST = "20260401T080000Z-0000aa"
SECOND = "20260701T080000Z-0000bb"


def leave(run: RunFolder, run_id: str, day: datetime.date, value: float) -> None:
    path = run.step("04_experience_data").table("kpis")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frame(path, keep(value, low=value - 0.1, high=value + 0.1))
    history.keep_run(run, run_id, as_of=day)


def test_a_run_keeps_its_kpis_and_is_compared_with_the_last_of_an_earlier_day(tmp_path):
    run = RunFolder(tmp_path)
    march, june = datetime.date(2026, 3, 31), datetime.date(2026, 6, 30)
    assert read_earlier(run, june).empty
    assert hash_earlier(run, june) == ""
    leave(run, FIRST, march, 0.3)
    leave(run, SECOND, june, 0.4)
    assert read_earlier(run, june)["value"].tolist() == [0.3, 0.3]
    assert read_earlier(run, march).empty  # the same day again gives the same report
    later = read_earlier(run, datetime.date(2026, 7, 1))
    assert later["value"].tolist() == [0.4, 0.4]
    assert later["run_id"].unique().tolist() == [SECOND]
    assert hash_earlier(run, june) != hash_earlier(run, datetime.date(2026, 7, 1))


def test_kpis_go_with_their_run_and_name_nobody(tmp_path):
    run = RunFolder(tmp_path)
    leave(run, FIRST, datetime.date(2026, 3, 31), 0.3)
    assert "customer_id" not in read_earlier(run, datetime.date(2026, 6, 30))
    assert history.forget_customer(run, "A") == 0
    history.forget_runs(run, [FIRST])
    assert read_earlier(run, datetime.date(2026, 6, 30)).empty


def test_runs_of_an_earlier_segkit_kept_none(tmp_path):
    run = RunFolder(tmp_path)
    history.keep_run(run, FIRST, as_of=datetime.date(2026, 3, 31))
    assert read_earlier(run, datetime.date(2026, 6, 30)).empty


# What is shown and kept.


def make_shop(sizes: dict[str, int]):
    people = [f"{name}{n:03}" for name, size in sizes.items() for n in range(size)]
    customers = pd.DataFrame({"customer_id": people})
    segments = customers.assign(segment_name=customers["customer_id"].str[0])
    rows = customers.assign(
        opened_at=pd.Timestamp("2026-06-01"),
        satisfaction=[float(n % 5 + 1) for n in range(len(people))],
    )
    return Source({"tickets": ibis.memtable(rows)}, customers, AS_OF), segments


def test_a_small_segment_is_hidden_and_another_with_it_and_neither_is_kept():
    source, segments = make_shop({"X": 40, "Y": 30, "Z": 3})
    followed = [find_kpi("own", [make_kpi("share", where="satisfaction <= 2")])]
    sums = sum_kpis(followed, source, segments)
    values = publish(measure_values(sums), kpi_segments.VALUES)
    shown = publish(compare_segments(sums), kpi_segments.SEGMENTS)
    frame = kpi_segments.write_segments(shown).frame.set_index("segment_name")
    assert frame["value"].isna().to_dict() == {"X": False, "Y": True, "Z": True}
    assert frame["value_text"]["Z"] == "–"
    kept = list_kept(values.frame, shown.frame, followed, scheme="s").set_index("segment_name")
    assert kept["value"].isna().to_dict() == {"all": False, "X": False, "Y": True, "Z": True}
    assert kept.loc["Z", ["low", "high", "customer_count"]].isna().all()


def test_a_total_that_one_customer_makes_is_not_shown():
    source, segments = make_shop({"X": 40, "Y": 40})
    rows = source.tables["tickets"].to_pandas()
    rows.loc[0, "satisfaction"] = 1e6
    source = Source({"tickets": ibis.memtable(rows)}, source.customers, AS_OF)
    sums = sum_kpis([find_kpi("own", [make_kpi("sum", of="satisfaction")])], source, segments)
    values = publish(measure_values(sums), kpi_segments.VALUES).frame
    assert values["value"].isna().all()
    assert not [name for name in values if name.endswith(("_largest", "_second", "_sum"))]


def test_what_is_not_decided_and_what_is_lacking_are_told():
    source, segments = make_shop({"X": 40, "Y": 40})
    rows = source.tables["tickets"].to_pandas()
    rows.loc[:9, "satisfaction"] = np.nan
    source = Source({"tickets": ibis.memtable(rows)}, source.customers, AS_OF)
    followed = [
        find_kpi("own", [make_kpi("share", where="satisfaction <= 2")]),
        find_kpi("win_rate"),
    ]
    sums = sum_kpis(followed, source, segments)
    shown = publish(measure_values(sums), kpi_segments.VALUES)
    told = read_texts(
        kpi_segments.state_values(shown, publish(list_lacks(sums), kpi_segments.LACKS))
    )
    assert "Whether 10 rows count is not known; they are in neither part." in told[0]
    assert "“Share of decided deals that were won” has no data" in told[1]


def test_segments_that_stand_apart_are_told_in_one_sentence():
    source, segments = make_shop({"X": 60, "Y": 60})
    rows = source.tables["tickets"].to_pandas()
    rows["satisfaction"] = np.where(rows["customer_id"].str[0] == "X", 1.0, 5.0)
    rows.loc[[0, 119], "satisfaction"] = [5.0, 1.0]
    source = Source({"tickets": ibis.memtable(rows)}, source.customers, AS_OF)
    sums = sum_kpis(
        [find_kpi("own", [make_kpi("share", where="satisfaction <= 2")])], source, segments
    )
    (told,) = read_texts(
        kpi_segments.state_segments(publish(compare_segments(sums), kpi_segments.SEGMENTS))
    )
    assert told == (
        "“Own”, over the last 365 days. Higher than the rest: “X” 98.3% (91.1% to 99.7%, resting "
        "on 60 customers). Lower than the rest: “Y” 1.7% (0.3% to 8.9%, resting on 60 customers)."
    )


def test_a_goal_without_data_says_what_to_collect():
    table = pd.DataFrame(
        [("g", "Win more", "win_rate", "Won", None, 0.5, "no data", "there is no table “deals”")],
        columns=["goal", "text", "kpi", "measure", "value", "target", "met", "lack"],
    ).astype({"value": float})
    shown = kpis.write_kpis(publish(kpis.count_kpis(table, CUSTOMERS), kpis.KPIS, smallest_cell=1))
    assert read_texts(kpis.state_kpis(shown)) == [
        "“Win more” cannot be judged: there is no table “deals”."
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text", "change"),
    [
        (0.125, "share", "12.5%", "+12.5 points"),
        (1234.5, "currency", "EUR 1 235", "+EUR 1 235"),
        (20.375, "hours", "20.38 hours", "+20.38 hours"),
        (4908.0, "", "4 908", "+4 908"),
        (None, "share", "–", "–"),
    ],
)
def test_each_unit_is_written_in_its_own_way(value, unit, text, change):
    assert write_amount(value, unit, "EUR").replace("\u202f", " ") == text
    assert write_change(value, unit, "EUR").replace("\u202f", " ") == change
