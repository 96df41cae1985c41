"""The small functions that notebooks call: parts of tables, tables of a topic, and settings."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pandas as pd
import pytest
from published import publish

import segkit.report
from segkit import evidence, profiles, report
from segkit.action.targeting import list_used
from segkit.core.absence import NO_PURCHASES, explain_empty
from segkit.core.findings import Finding, to_json_value
from segkit.core.privacy import Shape
from segkit.core.rooms import open_room
from segkit.core.settings import Settings
from segkit.evidence.market.penetration import compare_with_market
from segkit.features.season import keep_whole_months, name_time
from segkit.plan.models import Criteria, Plan, Scheme
from segkit.profiles.quiz import fit_scheme
from segkit.report import by_segment, candidates, reach, sizes, survey
from segkit.report.bases import BASE, lay_out_bases, list_tables
from segkit.report.market import penetration, white_space
from segkit.report.shared.sentences import list_texts
from segkit.report.shared.views import View
from segkit.report.spend import CATEGORIES
from segkit.validation import foresight, populations, worth
from segkit.validation.stability import select_ratings
from segkit.validation.verdict import SchemeChoice, read_choice

AT = Settings(datetime.date(2024, 12, 31), random_state=7, smallest_cell=9)


class TestRooms:
    def test_a_room_s_modules_are_imported_when_they_are_asked_for(self):
        assert report.sizes is sizes
        assert profiles.sizes.size_segments.__module__ == "segkit.profiles.sizes"
        assert evidence.experience.spend.__name__ == "segkit.evidence.experience.spend"

    @pytest.mark.parametrize("name", ["no_such_topic", "_private", "__wrapped__"])
    def test_what_is_no_module_of_the_room_is_missing_as_anywhere(self, name):
        find_module, _ = open_room("segkit.report")
        with pytest.raises(AttributeError, match=f"'segkit.report' has no attribute '{name}'"):
            find_module(name)
        assert not hasattr(segkit.report, name)

    def test_tab_lists_the_topics(self):
        assert {"sizes", "market", "shared"} <= set(dir(report))
        assert "__init__" not in dir(report)


class TestParts:
    def test_the_leading_values_of_each_segment_are_those_of_the_first_ranks(self):
        table = pd.DataFrame(
            {
                "segment_name": ["A", "A", "A", "B"],
                "rank": [1, 2, 3, 1],
                "category": ["x", "y", "z", "x"],
                "customer_count": [90, 80, 70, 60],
                "sales": [9.0, 8.0, 7.0, 6.0],
                "rests_on_count": [90, 80, 70, 60],
            }
        )
        leading = by_segment.keep_leading(publish(table, CATEGORIES), most=2)
        assert leading.frame["category"].tolist() == ["x", "y", "x"]

    def test_candidates_of_one_scheme_and_ratings_of_one_candidate(self):
        counts = [2, 2, 3]
        table = pd.DataFrame({"scheme": ["a", "b", "b"], "segment_count": counts, "row": [0, 1, 2]})
        assert select_ratings(table, "b", 3)["row"].tolist() == [2]
        assert select_ratings(table, "c", 3).empty
        shown = publish(table, View(Shape("candidates", population="candidates")))
        assert candidates.keep_scheme(shown, "b").frame["segment_count"].tolist() == [2, 3]

    def test_answers_of_one_kind(self):
        table = pd.DataFrame(
            {
                "question": ["q", "r"],
                "kind": ["number", "choice"],
                "segment_name": ["A", "A"],
                "answer": ["", "yes"],
                "customer_count": [20, 20],
                "value": [3.0, 0.5],
                "rests_on_count": [20, 20],
            }
        )
        shown = publish(table, survey.RESPONSES)
        assert survey.keep_kind(shown, "choice").frame["question"].tolist() == ["r"]

    def test_only_months_that_are_over_are_compared_and_named(self):
        months = pd.DataFrame(
            {
                "month": pd.to_datetime(["2024-10-01", "2024-11-01", "2024-12-01"]),
                "is_whole": [True, True, False],
            }
        )
        whole = keep_whole_months(months)
        assert len(whole) == 2
        assert name_time(whole) == "the months from 2024-10 to 2024-11"
        assert name_time(whole.head(0)) == ""


class TestMarketCells:
    def make_share(self) -> pd.DataFrame:
        rows = {
            "cell": ["Tents (NO)", "Packs (NO)", "Boots (NO)", "Hats (SE)"],
            "country": ["NO", "NO", "NO", "SE"],
            "category": ["Tents", "Packs", "Boots", "Hats"],
            "matched": ["both", "both", "both", "ours only"],
            "year": 2024,
            "market_value": [1000.0, 500.0, 1000.0, None],
            "buyer_count": None,
            "growth_rate": [0.1, 0.0, 0.0, None],
            "measure": "market_value",
            "customer_count": [50, 2, 80, 30],
            "spend": [12.0, 5.0, 8.0, 7.0],
            "spend_largest": [1.0, 4.0, 1.0, 1.0],
            "spend_second": [1.0, 1.0, 1.0, 1.0],
            "share": [0.012, 0.01, 0.008, None],
            "index": [120.0, 100.0, 80.0, None],
            "source": "S",
            "size": [1000.0, 500.0, 1000.0, None],
            "size_low": [1000.0, 500.0, 1000.0, None],
            "size_high": [1000.0, 500.0, 1000.0, None],
            "index_low": [90.0, 70.0, 60.0, None],
            "index_high": [150.0, 130.0, 95.0, None],
            "mark": "",
            "rests_on_count": [50, 2, 80, 30],
        }
        return pd.DataFrame(rows)

    def test_what_joined_and_what_did_not_are_parts_of_one_published_table(self):
        share = self.make_share()
        shown = publish(share, penetration.view_penetration(share))
        matched = penetration.keep_matched(shown)
        unmatched = penetration.keep_unmatched(shown)
        assert matched.frame["cell"].tolist() == ["Tents (NO)", "Packs (NO)", "Boots (NO)"]
        assert unmatched.frame["cell"].tolist() == ["Hats (SE)"]

    def test_the_opportunity_of_a_hidden_cell_is_not_told(self):
        share = self.make_share()
        shown = publish(share, penetration.view_penetration(share))
        cells = white_space.find_open_cells(
            share, None, shown=shown, at=AT, largest_rival_share=0.5
        )
        told = cells.set_index("cell")["opportunity"]
        assert pd.isna(told["Packs (NO)"])
        # Our average is 25 of 2,500, which would be 10 of the 1,000 of the boots.
        assert told["Boots (NO)"] == pytest.approx(2.0)

    def test_without_tables_a_comparison_says_why_it_is_empty(self):
        table = compare_with_market({}, at=AT)
        assert table.empty
        assert explain_empty(table) == NO_PURCHASES


class TestTablesOfATopic:
    def test_each_base_has_a_table_named_for_it_and_is_laid_out_in_three(self):
        customers = pd.DataFrame(
            {
                "customer_id": [str(number) for number in range(40)],
                "country": ["NO", "SE"] * 20,
                "total_spend": range(40),
                "customer_type": ["consumer"] * 30 + ["business"] * 10,
            }
        )
        tables = list_tables(customers, value="total_spend", at=AT)
        names = [view.shape.name for _, view in tables]
        assert "base_geographic" in names
        assert all(view.columns == BASE.columns for _, view in tables)
        shown = [publish(table, view) for table, view in tables]
        exhibits = lay_out_bases(shown, value_name="spend")
        assert len(exhibits) == 3 * len(tables)
        told, chart, table = exhibits[3 * names.index("base_geographic") :][:3]
        assert told.title == "Where are they?" or told.title
        assert chart.caption.startswith("Features of the base geographic")
        assert table.folded

    def test_tables_of_a_second_tree_have_names_of_their_own(self):
        table = pd.DataFrame({"segment_name": ["A"], "customer_count": [50]})
        named = publish(table, sizes.SIZES)

        class Tree:
            by_segment = rules = table.copy()

            def list_accuracies(self):
                return pd.DataFrame({"way": ["rules"]})

        pairs = reach.list_tables(Tree(), named, suffix="_before")
        names = [view.shape.name for _, view in pairs]
        assert names == ["placed_before", "accuracies_before", "rules_before"]
        assert pairs[0][0]["segment_count"].tolist() == [50]
        assert "segment_count" not in pairs[1][0]


class TestSettings:
    """Each carries the last day, the seed and the smallest cell, and not one of its own."""

    @pytest.mark.parametrize(
        ("module", "inner", "call"),
        [
            (
                populations,
                "compare_populations",
                lambda: populations.compare_plan("built", make_plan(), at=AT, pairs=3),
            ),
            (worth, "assess_lifetime", lambda: worth.assess_worth({}, "customers", at=AT)),
            (
                foresight,
                "measure_usefulness",
                lambda: foresight.measure_foresight(
                    {}, "scheme", make_plan(), n_segments=4, at=AT, split_on="2024-06-30"
                ),
            ),
        ],
    )
    def test_a_call_hands_on_every_setting(self, monkeypatch, module, inner, call):
        got = {}
        monkeypatch.setattr(module, inner, lambda *things, **options: got.update(options))
        call()
        assert got["as_of"] == AT.as_of
        assert got["random_state"] == 7
        assert got["smallest_cell"] == 9
        if "pairs" in got:
            assert (got["pairs"], got["most_fitted"]) == (3, make_plan().most_fitted)
        if "n_segments" in got:
            assert (got["n_segments"], got["split_on"]) == (4, "2024-06-30")


def make_plan() -> Plan:
    return Plan.model_construct(schemes=(), criteria=Criteria(), most_fitted=1234)


def test_a_quiz_of_nothing_is_no_document():
    assert fit_scheme(None, pd.DataFrame(), at=AT) is None


def test_a_quiz_s_document_places_by_its_rules():
    scheme = Scheme(
        name="quick",
        goal="keep",
        base="value",
        method="rules",
        rules=[{"name": "Big", "when": "total_spend > 5"}, {"name": "Small", "when": "true"}],
    )
    customers = pd.DataFrame({"customer_id": ["a", "b"], "total_spend": [9.0, 1.0]})
    document = fit_scheme(scheme, customers, at=AT)
    assert document.assign(customers)["segment_name"].tolist() == ["Big", "Small"]


def test_a_choice_that_was_kept_is_read_as_it_was():
    choice = SchemeChoice("tiers", 3, "yes", overruled=False, kind="groups")
    assert read_choice({"choice": to_json_value(choice)}) == choice


def test_records_among_facts_are_written_as_what_they_hold():
    @dataclass
    class Habit:
        days: int
        told: list

    finding = Finding("demo", "So it is.")
    written = to_json_value({"habit": [Habit(3, [finding])]})
    assert written["habit"][0]["days"] == 3
    assert written["habit"][0]["told"][0]["text"] == "So it is."
    assert list_texts([finding]) == ["So it is."]


def test_a_score_lists_the_measures_that_are_weighed_and_known():
    segments = pd.DataFrame({"value_share": [0.5], "stability": [None], "reach": [0.9]})
    criteria = Criteria(attractiveness={"value_share": 1.0, "stability": 1.0}, fit={"reach": 2.0})
    assert list_used(segments, criteria) == {"attractiveness": ["value_share"], "fit": ["reach"]}
