"""Lists of customers: consent first, harmless in a spreadsheet, whole or not at all."""

from __future__ import annotations

import csv
import datetime

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish

from segkit.action.lists.consent import count_consent
from segkit.action.lists.exporting import export_segment
from segkit.core.absence import explain_empty
from segkit.core.csvfiles import neutralise_text
from segkit.core.errors import SegkitError
from segkit.report import consent, sizes
from segkit.report.shared.segment_counts import add_segment_counts

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["007", "b", "c", "=1+1", "e"],
        "consent": pd.array([True, False, None, True, True], dtype="boolean"),
        "email": [f"{sign}@example.org" for sign in "abcde"],
    }
)
SEGMENTS = pd.DataFrame(
    {
        "customer_id": ["007", "b", "c", "=1+1", "e", "not in the register"],
        "segment_name": ["Loyal", "Loyal", "Loyal", "Loyal", "Rare", "Loyal"],
    }
)


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_only_those_who_said_yes_are_exported(tmp_path):
    path = tmp_path / "lists" / "loyal.csv"
    counts = export_segment(
        CUSTOMERS,
        SEGMENTS,
        "Loyal",
        consent_column="consent",
        path=path,
        scheme="rfm",
        as_of=datetime.date(2026, 6, 30),
    )
    assert {name: count for name, count in counts.items() if count} == {
        "in_segment": 5,
        "with_consent": 2,
        "without_consent": 1,
        "unknown_consent": 2,
        "exported": 2,
    }
    assert read_rows(path) == [
        ["customer_id", "segment", "scheme", "as_of"],
        ["007", "Loyal", "rfm", "2026-06-30"],
        ["'=1+1", "Loyal", "rfm", "2026-06-30"],
    ]
    assert "@" not in path.read_text()
    assert [p.name for p in path.parent.iterdir()] == ["loyal.csv"]


def test_a_table_in_the_engine_gives_the_same_list(tmp_path):
    table = ibis.duckdb.connect().create_table("customers", CUSTOMERS)
    for name, customers in (("a", CUSTOMERS), ("b", table)):
        export_segment(customers, SEGMENTS, "Loyal", consent_column="consent", path=tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_without_a_consent_column_nobody_is_exported(tmp_path):
    for customers in (None, CUSTOMERS.drop(columns="consent")):
        with pytest.raises(SegkitError, match="no consent is recorded"):
            export_segment(
                customers, SEGMENTS, "Loyal", consent_column="consent", path=tmp_path / "x.csv"
            )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", [None, ""])
def test_a_plan_that_asks_for_no_consent_exports_all(tmp_path, column):
    counts = export_segment(
        CUSTOMERS, SEGMENTS, "Loyal", consent_column=column, path=tmp_path / "x.csv"
    )
    assert counts["exported"] == counts["in_segment"] == 5


def test_a_consent_column_that_is_not_yes_or_no_is_refused(tmp_path):
    with pytest.raises(SegkitError, match="not yes or no"):
        export_segment(
            CUSTOMERS, SEGMENTS, "Loyal", consent_column="email", path=tmp_path / "x.csv"
        )


def test_an_unknown_segment_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(SegkitError, match="Did you mean 'Loyal'"):
        export_segment(
            CUSTOMERS, SEGMENTS, "Loyl", consent_column="consent", path=tmp_path / "x.csv"
        )


def test_a_list_that_cannot_be_written_leaves_the_old_one(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SegkitError, match="cannot be written"):
        export_segment(
            CUSTOMERS, SEGMENTS, "Loyal", consent_column="consent", path=tmp_path / "folder"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_consent_is_counted_by_segment():
    table = count_consent(CUSTOMERS, SEGMENTS, consent_column="consent")
    table = table.set_index("segment_name")
    assert table.loc["Loyal"].tolist() == [5, 2, 1, 2, 0.4]
    assert table.loc["Rare", "consent_share"] == 1


def test_consent_is_shown_by_segment_and_nothing_tells_of_a_small_group():
    counted = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C"],
            "in_segment": [60, 40, 3],
            "with_consent": [30, 20, 2],
            "without_consent": [20, 10, 0],
            "unknown_consent": [10, 10, 1],
        }
    )
    counted["consent_share"] = counted["with_consent"] / counted["in_segment"]
    members = counted[["segment_name", "in_segment"]]
    shown = publish(members.rename(columns={"in_segment": "customer_count"}), sizes.SIZES)
    answers = add_segment_counts(consent.list_answers(counted), shown)
    answers = publish(answers, consent.CONSENT)
    wide = consent.spread_answers(answers, shown).frame.set_index("segment_name")
    figures = [*consent.ANSWERS, "consent_share", "in_segment"]
    assert wide.loc["C", figures].isna().all()  # that nobody said no would tell of three
    assert wide.loc["B", figures].isna().all()  # its size would tell of three as well
    assert wide.loc["A", "in_segment"] == 60
    counted.loc[2] = ["C", 60, 30, 20, 10, 0.5]
    members = counted[["segment_name", "in_segment"]]
    shown = publish(members.rename(columns={"in_segment": "customer_count"}), sizes.SIZES)
    answers = add_segment_counts(consent.list_answers(counted), shown)
    answers = publish(answers, consent.CONSENT)
    wide = consent.spread_answers(answers, shown).frame.set_index("segment_name")
    assert wide.loc["B", figures].tolist() == [20, 10, 10, 0.5, 40]


@pytest.mark.parametrize("column", ["consent", "may_call"])
def test_where_no_answer_is_known_of_anybody_it_is_said_and_not_hidden(column):
    segments = pd.DataFrame({"customer_id": range(60), "segment_name": ["A"] * 57 + ["B"] * 3})
    people = segments[["customer_id"]].assign(consent=pd.array([None] * 60, dtype="boolean"))
    counted = count_consent(people, segments, consent_column=column)
    members = counted[["segment_name", "in_segment"]]
    shown = publish(members.rename(columns={"in_segment": "customer_count"}), sizes.SIZES)
    answers = add_segment_counts(consent.list_answers(counted), shown)
    told = consent.spread_answers(publish(answers, consent.CONSENT), shown)
    assert told.frame.empty
    assert {"segment_name", "consent_share"} <= set(told.frame.columns)
    assert explain_empty(told.frame) == consent.NOBODY_ASKED
    people.loc[0, "consent"] = True
    if column == "consent":  # one who answered is hidden, as before
        counted = count_consent(people, segments, consent_column=column)
        answers = add_segment_counts(consent.list_answers(counted), shown)
        assert publish(answers, consent.CONSENT).frame["customer_count"].isna().all()


@given(st.text())
def test_no_text_is_run_as_a_formula(text):
    safe = neutralise_text(text)
    assert safe.replace("'", "") == text.replace("'", "")
    assert not safe.lstrip().startswith(("=", "+", "-", "@"))
    assert not safe.startswith(("\t", "\r"))
