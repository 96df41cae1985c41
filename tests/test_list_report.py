"""What the report tells of lists: counts that add up, and nothing of few customers."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from published import publish, read_texts
from small_plans import make_plan

from segkit.action.lists.counting import NO_ADDRESS, NO_CONSENT, count_lists
from segkit.core.absence import explain_empty
from segkit.report import lists, sizes
from segkit.report.shared.segment_counts import add_segment_counts
from segkit.runs.layout import RunFolder

# Of A 60 customers: 40 said yes, 15 no, 5 were not asked; of B 40: 30 yes, 10 no.
ANSWERS = [True] * 40 + [False] * 15 + [None] * 5 + [True] * 30 + [False] * 10
SEGMENTS = pd.DataFrame(
    {"customer_id": [f"id-{i}" for i in range(100)], "segment_name": ["A"] * 60 + ["B"] * 40}
)


def make_tables(answers=ANSWERS, **columns) -> dict:
    people = SEGMENTS[["customer_id"]].assign(consent=pd.array(answers, dtype="boolean"), **columns)
    return {"customers": ibis.memtable(people)}


def count(tmp_path, tables, **settings):
    plan = make_plan(tmp_path, {"customers": "customers.csv"}, lists=settings)
    return count_lists(tables, SEGMENTS, plan=plan, run=RunFolder(tmp_path / "runs" / "x"))


def publish_both(counted):
    members = counted.by_segment.groupby("segment_name", as_index=False)["customer_count"].sum()
    shown = publish(members, sizes.SIZES)
    listed = publish(add_segment_counts(counted.by_segment, shown), lists.LISTS)
    return listed, publish(lists.name_states(counted), lists.OF_ALL)


def test_where_customers_would_go_is_counted_by_hand(tmp_path):
    counted = count(tmp_path, make_tables())
    assert counted.by_segment.to_dict("list") == {
        "segment_name": ["A"] * 3 + ["B"] * 3,
        "state": ["without_consent", "unknown_consent", "exported"] * 2,
        "customer_count": [15, 5, 40, 10, 0, 30],
        "share": [15 / 60, 5 / 60, 40 / 60, 0.25, 0.0, 0.75],
    }
    listed, of_all = publish_both(counted)
    wide = lists.spread_lists(listed).frame.set_index("segment_name")
    assert wide.loc["A"].tolist() == [15, 5, 40, pytest.approx(40 / 60)]
    on, off, unasked, control = read_texts(lists.state_lists(of_all, counted))
    assert on.startswith("70 customers would be on the list of their segment, 70.0% of all")
    assert off.startswith("25 customers, 25.0% of all, are left out: they said no")
    assert unasked.startswith("5 customers, 5.0% of all, are left out: they were not asked")
    assert "No control group is held out" in control


def test_addresses_suppression_and_a_control_group_are_counted_too(tmp_path):
    mails = [f"m{i}@example.org" for i in range(100)]
    mails[:20] = [None] * 20
    ids = "\n".join(f"ID-{i}" for i in range(20, 30))
    (tmp_path / "never.csv").write_text(f"customer_id\n{ids}\n")
    counted = count(
        tmp_path,
        make_tables(email=mails),
        layout="klaviyo",
        suppression="never.csv",
        campaign="2026 autumn",
        held_out_share=0.3,
    )
    counts = counted.of_all.set_index("state")["customer_count"]
    assert counts.sum() == 100
    assert (counts["suppressed"], counts["without_address"]) == (10, 20)
    assert counts["held_out"] + counts["exported"] == 40
    _, of_all = publish_both(counted)
    told = " ".join(read_texts(lists.state_lists(of_all, counted)))
    assert "held out of “2026 autumn” by lot" in told
    assert "Klaviyo" in told


@pytest.mark.parametrize(
    ("columns", "settings", "reason"),
    [
        (None, {}, NO_CONSENT),
        (["customer_id"], {}, NO_CONSENT),
        (["customer_id", "consent"], {"layout": "drip"}, NO_ADDRESS),
    ],
)
def test_where_nobody_can_be_on_a_list_it_is_said_why(tmp_path, columns, settings, reason):
    tables = {"customers": make_tables()["customers"].select(columns)} if columns else {}
    counted = count(tmp_path, tables, **settings)
    assert explain_empty(counted.by_segment) == reason
    listed = publish(counted.by_segment, lists.LISTS)
    assert lists.spread_lists(listed).frame.empty
    of_all = publish(lists.name_states(counted), lists.OF_ALL)
    assert read_texts(lists.state_lists(of_all, counted)) == [reason]


def test_few_customers_are_not_told(tmp_path):
    answers = [True] * 57 + [False] * 3 + [True] * 40
    counted = count(tmp_path, make_tables(answers))
    listed, of_all = publish_both(counted)
    wide = lists.spread_lists(listed).frame.set_index("segment_name")
    assert wide.loc["A"].isna().all()
    assert not any("3 customers" in text for text in read_texts(lists.state_lists(of_all, counted)))
