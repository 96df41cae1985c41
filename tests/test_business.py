"""Deals, contracts and leads: what is open, or not yet due, is counted and tells no end."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish

from segkit.core.absence import explain_empty
from segkit.core.statistics import bound_share
from segkit.evidence.experience.business import (
    count_contract_fates,
    count_deal_fates,
    count_stages,
    open_contracts,
    open_deals,
    pool_groups,
    summarise_contracts,
    summarise_deal_cohorts,
    summarise_deals,
    summarise_stages,
)
from segkit.evidence.experience.leads import count_people
from segkit.report import business

AS_OF = datetime.date(2026, 6, 30)
SEGMENTS = pd.DataFrame({"customer_id": ["a", "b"], "segment_name": ["Large", "Small"]})


def day(text: str | None) -> datetime.date | None:
    return None if pd.isna(text) else datetime.date.fromisoformat(text)


def make_deals(*rows: tuple) -> ibis.Table:
    names = ["customer_id", "opened_on", "closed_on", "outcome"]
    frame = pd.DataFrame(rows, columns=names)
    for column in ("opened_on", "closed_on"):
        frame[column] = pd.Series([day(text) for text in frame[column]], dtype=object)
    frame = frame.assign(deal_id=[f"d{n}" for n in range(len(frame))], amount=100.0)
    schema = {
        "customer_id": "string",
        "opened_on": "date",
        "closed_on": "date",
        "outcome": "string",
    }
    return ibis.memtable(
        frame, schema=ibis.schema(schema | {"deal_id": "string", "amount": "float64"})
    )


def make_contracts(*rows: tuple) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "started_on", "ends_on", "renewed_on"])
    for column in ("started_on", "ends_on", "renewed_on"):
        frame[column] = pd.Series([day(text) for text in frame[column]], dtype=object)
    frame = frame.assign(contract_id=[f"k{n}" for n in range(len(frame))], amount=10.0)
    kinds = dict.fromkeys(("started_on", "ends_on", "renewed_on"), "date")
    kinds |= {"customer_id": "string", "contract_id": "string", "amount": "float64"}
    return ibis.memtable(frame[list(kinds)], schema=ibis.schema(kinds))


def read_deals(*rows: tuple) -> ibis.Table:
    return open_deals({"deals": make_deals(*rows)}, SEGMENTS, as_of=AS_OF)


@pytest.mark.parametrize(
    ("closed_on", "outcome", "fate", "days"),
    [
        ("2026-06-11", "won", "won", 10),
        ("2026-06-11", "lost", "lost", 10),
        ("2026-07-01", "won", "still open", 29),  # what came after the last day is not known
        (None, "open", "still open", 29),
        (None, None, "still open", 29),
        (None, "won", "won", None),  # nobody knows when
        ("2026-06-11", None, "closed, nobody knows how", None),
        ("2026-06-11", "open", "closed, nobody knows how", None),
        ("2026-05-11", "won", "closed before it was opened", None),
    ],
)
def test_each_deal_has_one_fate(closed_on, outcome, fate, days):
    row = read_deals(("a", "2026-06-01", closed_on, outcome)).to_pandas().iloc[0]
    assert row["fate"] == fate
    assert (None if pd.isna(row["days"]) else row["days"]) == days


def test_the_share_won_is_that_of_the_decided_deals_and_the_open_ones_stand_beside():
    deals = read_deals(
        ("a", "2026-01-01", "2026-01-11", "won"),
        ("a", "2026-01-01", "2026-01-21", "lost"),
        ("a", "2026-01-01", None, "open"),
        ("b", "2026-01-01", "2026-01-11", "won"),
        (None, "2026-01-01", "2026-01-11", "won"),
    )
    table = summarise_deals(deals, by="segment_name")
    assert table["group_name"].tolist() == ["Large + Small + no segment"]  # too few to stand alone
    row = table.iloc[0]
    assert (row["deal_count"], row["open_count"], row["decided_count"]) == (5, 1, 4)
    assert row["win_share"] == 0.75
    assert (row["won_amount"], row["won_amount_largest"]) == (300, 100)
    assert row["customer_count"] == 3  # a, b and whoever is not known
    assert count_deal_fates(deals)["deal_count"].tolist() == [3, 1, 1]


def test_the_days_to_a_decision_count_open_deals_as_waiting():
    deals = read_deals(
        ("a", "2026-01-01", "2026-01-11", "won"),
        ("a", "2026-01-01", "2026-01-31", "lost"),
        ("a", "2026-01-01", None, None),
        ("a", "2026-01-01", None, None),
        ("a", "2026-01-01", None, None),
    )
    assert np.isnan(summarise_deals(deals, by="industry")["median_days"][0])
    decided = deals.filter(deals.is_decided)
    assert summarise_deals(decided, by="industry")["median_days"][0] == 10


def test_the_interval_takes_the_customers_as_clusters():
    """All deals of a customer end alike, so that ten each say no more than one each."""
    rows = [(f"c{n}", "2026-01-01", "2026-02-01", "won" if n % 2 else "lost") for n in range(40)]
    segments = pd.DataFrame({"customer_id": [f"c{n}" for n in range(40)], "segment_name": "All"})
    ends = []
    for times in (1, 10):
        deals = open_deals({"deals": make_deals(*rows * times)}, segments, as_of=AS_OF)
        row = summarise_deals(deals, by="segment_name").iloc[0]
        ends.append((row["win_low"], row["win_high"]))
    assert ends[0] == pytest.approx(ends[1])
    low, high = bound_share([200], [400])
    assert ends[1][0] < low[0]
    assert ends[1][1] > high[0]


def test_a_young_quarter_shows_quick_decisions_only_and_is_warned_of():
    old = [("a", "2026-01-05", "2026-02-01", "lost")] * 6 + [
        ("b", "2026-01-05", "2026-02-01", "won")
    ]
    young = [("a", "2026-06-01", None, None)] * 3 + [("b", "2026-06-01", "2026-06-03", "won")]
    table = summarise_deal_cohorts(read_deals(*old, *young))
    assert table["quarter"].dt.strftime("%Y-%m-%d").tolist() == ["2026-01-01", "2026-04-01"]
    assert table["win_share"].tolist() == [1 / 7, 1]
    assert table["open_share"].tolist() == [0, 0.75]
    told = business.state_cohorts(publish(table, business.COHORTS, smallest_cell=1))
    assert told[0].text.startswith("Of 1 quarter with many deals that are still open (3 deals)")


def make_stages(*rows: tuple) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["deal_id", "entered_on", "stage"])
    frame["entered_on"] = pd.Series([day(text) for text in frame["entered_on"]], dtype=object)
    kinds = {"deal_id": "string", "entered_on": "date", "stage": "string"}
    return ibis.memtable(frame, schema=ibis.schema(kinds))


def test_a_stage_lasts_until_the_next_one_or_the_end_and_goes_on_where_the_deal_is_open():
    deals = read_deals(("a", "2026-06-01", "2026-06-21", "lost"), ("b", "2026-06-01", None, None))
    stages = make_stages(
        ("d0", "2026-06-01", "talk"),
        ("d0", "2026-06-06", "offer"),
        ("d1", "2026-06-03", "talk"),
        ("d1", "2026-07-05", "offer"),  # after the last day
        ("d7", "2026-06-03", "talk"),  # of a deal that is not known
    )
    table = summarise_stages(stages, deals, as_of=AS_OF).set_index("stage")
    assert table.index.tolist() == ["talk", "offer"]
    assert table["deal_count"].tolist() == [2, 1]
    assert table["open_count"].tolist() == [1, 0]
    assert table["lost_share"].tolist() == [0, 1]
    assert table["median_days"].tolist() == [5, 15]
    counted = publish(count_stages(stages, deals), business.STAGE_COUNTS)
    told = business.state_lost_stages(counted)
    assert told[0].text == "Left out for want of a deal that is known: 1 stage of 5."


@pytest.mark.parametrize(
    ("ends_on", "renewed_on", "fate"),
    [
        ("2026-06-30", "2026-06-20", "renewed"),  # due on the last day
        ("2026-06-30", None, "not renewed by its end"),
        ("2026-06-30", "2026-07-01", "not renewed by its end"),
        ("2026-07-01", None, "not yet due"),
        ("2026-07-01", "2026-06-20", "not yet due, and renewed"),
        (None, None, "without an end"),
        ("2025-01-01", None, "ends before it starts"),
    ],
)
def test_each_contract_has_one_fate(ends_on, renewed_on, fate):
    made = make_contracts(("a", "2025-07-01", ends_on, renewed_on))
    contracts = open_contracts({"contracts": made}, SEGMENTS, as_of=AS_OF)
    assert contracts.to_pandas()["fate"].tolist() == [fate]


def test_only_contracts_that_were_due_tell_of_renewal():
    made = make_contracts(
        ("a", "2025-01-01", "2025-12-31", "2025-12-01"),
        ("a", "2025-01-01", "2025-12-31", None),
        ("b", "2025-01-01", "2025-12-31", "2025-12-01"),
        ("b", "2026-01-01", "2026-12-31", None),
    )
    contracts = open_contracts({"contracts": made}, SEGMENTS, as_of=AS_OF)
    row = summarise_contracts(contracts, by="employee_band").iloc[0]
    assert (row["contract_count"], row["due_count"]) == (4, 3)
    assert row["renewal_share"] == pytest.approx(2 / 3)
    assert (row["due_amount"], row["renewed_amount_share"]) == (30, pytest.approx(2 / 3))
    assert row["due_amount_largest"] == 20
    fates = count_contract_fates(contracts)
    assert fates["counts_as"].tolist() == ["due", "due", "not due"]
    told = business.state_contract_fates(publish(fates, business.CONTRACT_FATES))
    assert "1 are not due yet and say nothing of renewal" in told[0].text


def test_renewal_without_a_day_is_taken_from_yes_and_no():
    made = make_contracts(("a", "2025-01-01", "2025-12-31", None))
    made = made.drop("renewed_on").mutate(renewed=True)
    contracts = open_contracts({"contracts": made}, SEGMENTS, as_of=AS_OF)
    assert contracts.to_pandas()["fate"].tolist() == ["renewed"]
    silent = made.drop("renewed")
    assert open_contracts({"contracts": silent}, SEGMENTS, as_of=AS_OF) is None


def test_small_groups_are_joined_to_the_next_smallest():
    each = pd.DataFrame({"group_name": ["x"] * 3 + ["y"] * 12 + ["z"] * 20})
    each["person"] = [f"p{n}" for n in range(len(each))]
    assert pool_groups(each) == {"x": "x + y", "y": "x + y"}
    assert pool_groups(each.tail(32)) == {}
    assert pool_groups(each.head(3)) == {}


def make_people() -> dict[str, ibis.Table]:
    people = [(f"f{n}", "business") for n in range(12)] + [(f"h{n}", "consumer") for n in range(30)]
    lines = [(f"f{n}", pd.Timestamp("2026-06-01")) for n in range(6)]
    lines += [(f"h{n}", pd.Timestamp("2026-06-01")) for n in range(20)]
    lines += [("f7", pd.Timestamp("2026-07-01"))]  # after the last day
    return {
        "customers": ibis.memtable(pd.DataFrame(people, columns=["customer_id", "customer_type"])),
        "order_lines": ibis.memtable(pd.DataFrame(lines, columns=["customer_id", "ordered_at"])),
    }


def test_leads_are_counted_beside_customers_and_nobody_is_left_out_unseen():
    tables = make_people()
    segments = pd.DataFrame({"customer_id": [f"h{n}" for n in range(20)], "segment_name": "All"})
    table = count_people(tables, segments, as_of=AS_OF)
    assert table["customer_count"].tolist() == [6, 6, 20, 10]
    assert table["unplaced_count"].tolist() == [6, 6, 0, 10]
    told = business.state_people(publish(table, business.PEOPLE, smallest_cell=1))
    assert "Of 42 people, all time, 16 leads have no order; 22 have no segment" in told[0].text
    placed = table.assign(unplaced_count=0, unplaced_share=0.0)
    told = business.state_people(publish(placed, business.PEOPLE, smallest_cell=1))
    assert "everybody has a segment" in told[0].text


def test_without_a_table_one_line_says_so():
    shown = [
        publish(table, view)
        for table, view in business.list_business_tables({}, SEGMENTS, as_of=AS_OF)
    ]
    exhibits = business.lay_out_business(shown)
    assert len(exhibits) == 1
    assert [finding.text for finding in exhibits[0].thing] == [
        "There is no table of customers.",
        "There is no table of deals.",
        "There is no table of contracts that tells which were renewed.",
    ]
    assert "deal_stages" in explain_empty(summarise_stages(None, read_deals(), as_of=AS_OF))


def test_deals_that_name_no_customer_are_told_all_the_same():
    rows = [(None, "2026-01-01", "2026-02-01", "won" if n % 3 else "lost") for n in range(30)]
    deals = make_deals(*rows).drop("customer_id")
    table = summarise_deals(open_deals({"deals": deals}, SEGMENTS, as_of=AS_OF), by="segment_name")
    assert table["group_name"].tolist() == ["no segment"]
    assert table["customer_count"].tolist() == [30]
    told = business.state_deals(publish(table, business.view_deals("segment_name")), "segment_name")
    assert told[0].text.startswith("Segment “no segment”: 66.7% of the decided deals are won")


def test_few_customers_are_hidden():
    rows = [("a", "2026-01-01", "2026-02-01", "won")] * 30
    table = summarise_deals(read_deals(*rows), by="industry")
    shown = publish(table, business.view_deals("industry"))
    assert shown.frame[["win_share", "won_amount", "deal_count"]].isna().all(axis=None)
    told = business.state_deals(shown, "industry")
    assert "too few customers" in told[0].text


def test_without_orders_nobody_is_called_a_lead():
    tables = make_people()
    del tables["order_lines"]
    table = count_people(tables, SEGMENTS, as_of=AS_OF)
    assert explain_empty(table) == "Without orders of customers nobody can be told from a lead."


def test_people_are_counted_where_no_column_says_who_is_a_business():
    con = ibis.duckdb.connect()
    people = con.create_table("customers", pd.DataFrame({"customer_id": ["a", "b", "c"]}))
    rows = {"customer_id": ["a"], "ordered_at": [pd.Timestamp("2026-01-01")]}
    lines = con.create_table("order_lines", pd.DataFrame(rows))
    segments = pd.DataFrame({"customer_id": ["a"], "segment_name": ["A"]})
    tables = {"customers": people, "order_lines": lines}
    found = count_people(tables, segments, as_of=datetime.date(2026, 6, 30))
    assert found.set_index("stage")["customer_count"].to_dict() == {"customer": 1, "lead": 2}
    assert found["customer_type"].unique().tolist() == ["others"]
