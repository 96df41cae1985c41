"""Each practice is scored from evidence by stated thresholds; what does not apply is left out."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import ibis
import pandas as pd
import pytest
from shops import AS_OF, make_tables
from small_plans import make_plan

from segkit.core.settings import Settings
from segkit.evidence.inventory import build_inventory
from segkit.evidence.readiness.given import count_people, tell_count, tell_share
from segkit.evidence.readiness.practices import PRACTICES, STEPS, Practice
from segkit.evidence.readiness.promises import describe_plan
from segkit.evidence.readiness.scale import COUNT, FULL, Scale
from segkit.evidence.readiness.scorecard import (
    COLUMNS,
    compare_readiness,
    list_answers,
    list_resting,
    score_readiness,
    sum_steps,
)
from segkit.plan.deliverables import Deliverable
from segkit.plan.readiness import QUESTIONS

PAGE = Path(__file__).parent.parent / "docs" / "readiness.md"
AT = Settings(AS_OF, smallest_cell=2)
BASES = pd.DataFrame({"base": ["value", "season", "needs"], "ready": [True, True, False]})


def score(folder, tables, *, at=AT, gaps=BASES, read=None, quality=(), days=(), **plan):
    """Score a business with these tables of the small shop, by practice."""
    counts = [(name, (read or {}).get(name, 9), 9) for name in tables]
    counts = pd.DataFrame(counts, columns=["table", "read", "accepted"])
    plan = make_plan(folder, {"order_lines": "lines.csv"}, as_of=AS_OF.isoformat(), **plan)
    known = {goal.name: goal.kpi != "resolution_hours" or None for goal in plan.goals}
    found = score_readiness(
        plan,
        tables,
        goals=pd.DataFrame(known.items(), columns=["goal", "value"]),
        inventory=build_inventory(tables, counts, as_of=AS_OF),
        gaps=gaps,
        quality=pd.DataFrame(list(quality), columns=["table", "rule", "row_count"]),
        counts=counts,
        at=at,
        earlier_days=days,
    )
    return found.set_index("practice_id")


def make_shop() -> dict[str, ibis.Table]:
    """Return the small shop's tables as the checks leave them: nothing after the last day."""
    tables = make_tables()
    lines = tables["order_lines"]
    tables["order_lines"] = lines.filter(lines.ordered_at.date() <= AS_OF)
    return tables


def frame(**columns: list) -> ibis.Table:
    return ibis.memtable(pd.DataFrame(columns))


class TestScale:
    @pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
    def test_each_threshold_is_reached_at_its_edge_and_not_before(self, practice: Practice):
        scale = practice.scale
        away = 1e-9 if scale.at_most else -1e-9
        for points, step in enumerate(scale.steps, start=1):
            assert scale.score(step) >= points
            assert scale.score(step + away) < points
        assert scale.score(scale.steps[-1]) == FULL

    @pytest.mark.parametrize("practice", PRACTICES, ids=lambda practice: practice.id)
    def test_thresholds_go_one_way(self, practice: Practice):
        pairs = list(itertools.pairwise(practice.scale.steps))
        if practice.scale.at_most:
            assert all(one >= other for one, other in pairs)
        else:
            assert all(one <= other for one, other in pairs)

    def test_what_is_not_known_has_no_points(self):
        assert Scale((1, 2, 3, 4, 5), "things", unit=COUNT).score(float("nan")) == 0

    def test_a_threshold_is_written_in_its_unit(self):
        assert Scale((0, 0, 0, 0.5, 0.975), "of it").write(5) == "at least 97.5% of it"
        days = Scale((90, 60, 31, 14, 7), "days", unit=COUNT, at_most=True)
        assert days.write(4) == "at most 14 days"


class TestPractices:
    def test_there_are_at_most_two_dozen_with_names_of_their_own(self):
        assert len(PRACTICES) <= 24
        assert len({practice.id for practice in PRACTICES}) == len(PRACTICES)
        assert len({practice.name for practice in PRACTICES}) == len(PRACTICES)
        assert {practice.step for practice in PRACTICES} == set(STEPS)

    def test_the_ids_stay_so_that_runs_are_compared(self):
        # An id that is renamed loses its past: add new ones, and take old ones out.
        assert [practice.id for practice in PRACTICES] == [
            "goals_judged", "goals_served", "deliverables_checked", "plan_filled",
            "market_given", "market_sourced", "market_matched",
            "rows_accepted", "bases_ready", "columns_filled", "customers_enough",
            "identities_joined", "orders_named", "orders_fresh", "history_long",
            "customers_return", "costs_known",
            "consent_known", "voices_heard", "survey_answered", "events_named",
            "control_group", "outcomes_recorded", "scheme_watched",
        ]  # fmt: skip

    def test_names_fit_the_chart(self):
        assert all(len(practice.name) <= 44 for practice in PRACTICES)


class TestOfTheData:
    """The small shop of `shops`: five buyers, of whom ann and bob have two orders."""

    @pytest.fixture(scope="class")
    def scores(self, tmp_path_factory) -> pd.DataFrame:
        quality = [("order_lines", "missing_customer", 4), ("customers", "missing_customer", 9)]
        read = {"order_lines": 16}
        folder = tmp_path_factory.mktemp("plan")
        return score(folder, make_shop(), read=read, quality=quality)

    @pytest.mark.parametrize(
        ("practice", "points", "evidence"),
        [
            ("goals_judged", 0, "0 of 1 goals have a target and data for their KPI"),
            ("goals_served", 5, "1 of 1 goals have a scheme"),
            ("plan_filled", 3, "3 of 5 parts of the plan are filled in"),
            ("market_given", 0, "0 of 3 market tables are given"),
            ("bases_ready", 2, "2 of 3 bases can be used"),
            ("orders_named", 2, "75% of order lines read name a customer"),
            ("orders_fresh", 5, "the last order is 0 days before the last day counted"),
            ("history_long", 3, "395 days of orders"),
            ("customers_return", 0, "2 customers ordered twice or more"),
            ("costs_known", 3, "2 of 3 products have a cost"),
            ("consent_known", 5, "100% of customers said yes or no"),
            ("events_named", 4, "5 of 6 events name a customer"),
        ],
    )
    def test_a_practice_is_scored_from_what_was_found(self, scores, practice, points, evidence):
        assert scores.loc[practice, "evidence"] == evidence
        assert scores.loc[practice, "score"] == points

    def test_the_columns_are_the_stated_ones_and_scores_are_whole(self, scores):
        assert [*scores.reset_index().columns.sort_values()] == sorted(COLUMNS)
        assert scores["score"].isin(range(6)).all()
        assert (scores["gain"] == 5 - scores["score"]).all()

    def test_a_full_score_has_nothing_to_improve(self, scores):
        full = scores[scores["score"] == FULL]
        assert (full["improve"] == "").all()
        assert (full["next_needs"] == "").all()
        assert full["rank"].isna().all()

    def test_what_schemes_rest_on_comes_first_then_what_has_most_to_gain(self, scores):
        ranked = scores[scores["rank"].notna()].sort_values("rank")
        is_needed = ranked["needed_by"] != ""
        assert is_needed.is_monotonic_decreasing
        for _, part in ranked.groupby(is_needed):
            assert part["gain"].is_monotonic_decreasing
        assert ranked.index[0] == "customers_return"  # a scheme of value rests on it

    def test_steps_are_summed_up(self, scores):
        table = sum_steps(scores.reset_index()).set_index("step")
        assert table.loc["Plan", "practice_count"] == 4
        assert table.loc["Plan", "mean_score"] == (0 + 5 + 0 + 3) / 4


class TestLeftOut:
    def test_who_sends_nothing_is_not_told_of_control_groups(self, tmp_path):
        tables = make_shop()
        del tables["messages"]
        found = score(tmp_path, tables)
        assert not {"control_group", "outcomes_recorded"} & set(found.index)
        told = " ".join(found["improve"])
        assert "campaign" not in told

    def test_who_sells_nothing_is_not_told_of_orders_nor_of_tickets(self, tmp_path):
        found = score(tmp_path, {"customers": frame(customer_id=["a", "b"])})
        told = " ".join(found["improve"]).lower()
        assert "order" not in told
        assert "ticket" not in told
        assert "profit" not in " ".join(found["practice"]).lower()

    def test_who_runs_surveys_and_sells_is_told_of_tickets_alone(self, tmp_path):
        tables = {"order_lines": make_shop()["order_lines"], "responses": frame(customer_id=["a"])}
        assert score(tmp_path, tables).loc["voices_heard", "improve"] == "Export support tickets"
        del tables["responses"]
        both = "Run a short survey; export support tickets"
        assert score(tmp_path, tables).loc["voices_heard", "improve"] == both

    def test_whose_tables_are_answers_is_not_told_to_run_a_survey(self, tmp_path):
        said = pd.DataFrame({"base": ["psychographic"], "ready": [True]})
        found = score(tmp_path, {"customers": frame(customer_id=["a"])}, gaps=said)
        assert found.loc["voices_heard", "score"] == FULL

    def test_schemes_by_rule_need_no_customers_for_columns(self, tmp_path):
        assert "customers_enough" not in score(tmp_path, make_shop()).index

    def test_the_first_run_was_watched_by_nobody(self, tmp_path):
        assert "scheme_watched" not in score(tmp_path, make_shop()).index

    def test_an_empty_table_is_no_table(self, tmp_path):
        tables = make_shop()
        tables["messages"] = tables["messages"].limit(0)
        counts = {"table": list(tables), "read": 9, "accepted": 9}
        counts = pd.DataFrame(counts)
        counts.loc[counts["table"] == "messages", "accepted"] = 0
        inventory = build_inventory(tables, counts, as_of=AS_OF)
        plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
        none = pd.DataFrame(columns=["table", "rule", "row_count"])
        given = {"inventory": inventory, "gaps": BASES, "quality": none, "counts": counts}
        given["goals"] = pd.DataFrame(columns=["goal", "value"])
        found = score_readiness(plan, tables, at=AT, **given)
        assert "control_group" not in set(found["practice_id"])

    def test_nothing_at_all_is_scored_all_the_same(self, tmp_path):
        found = score(tmp_path, {}, gaps=BASES.assign(ready=False))
        assert found.loc["bases_ready", "score"] == 0
        assert found.loc["rows_accepted", "score"] == 0
        assert found.loc["consent_known", "evidence"] == "no consent is recorded"


class TestOfThePlan:
    def test_a_goal_counts_with_a_target_and_data(self, tmp_path):
        goals = [
            {"name": "a", "text": "A", "kpi": "repeat_share", "target": 0.5},
            {"name": "b", "text": "B", "kpi": "resolution_hours", "target": 9},
            {"name": "c", "text": "C", "kpi": "total_spend"},
        ]
        schemes = [{"name": "t", "goal": "a", "base": "value", "method": "tiers"}]
        found = score(tmp_path, make_shop(), goals=goals, schemes=schemes)
        assert found.loc["goals_judged", "evidence"].startswith("1 of 3")
        assert found.loc["goals_judged", "score"] == 1
        assert found.loc["goals_served", "evidence"].startswith("1 of 3")

    @pytest.mark.parametrize("text", ["", "tbd", "TBD.", "?", "FILL IN", " n/a "])
    def test_what_is_still_open_is_not_filled_in(self, tmp_path, text):
        told = {"owner": text, "budget": "Ten days"}
        found = score(tmp_path, make_shop(), **told).loc["plan_filled"]
        assert found["score"] == 4
        assert found["improve"] == "Decide on owner, and write it into the plan"

    def test_deliverables_say_what_shows_them(self, tmp_path):
        told = ("A list", {"text": "Segments", "shows": "segments"})
        found = score(tmp_path, make_shop(), deliverables=told)
        assert found.loc["deliverables_checked", "score"] == 2
        assert found.loc["deliverables_checked", "value"] == 0.5

    def test_the_plan_is_described_and_says_what_is_open(self, tmp_path):
        told = ("A list", {"text": "Segments", "shows": "segments"})
        plan = make_plan(tmp_path, {"order_lines": "x.csv"}, deliverables=told, owner="tbd")
        table = describe_plan(plan).set_index("text")
        assert table.loc["tbd (not decided yet)", "item"] == "Owner"
        assert table.loc["A list", "shown_by"] == ""
        assert table.loc["Segments", "shown_by"] == "the segments with their sizes"

    def test_what_only_people_can_say_is_asked_and_never_scored(self, tmp_path):
        said = {"answers": {"sales": "The head of sales is in the team"}}
        plan = make_plan(tmp_path, {"order_lines": "x.csv"}, readiness=said)
        table = list_answers(plan).set_index("name")
        assert table.loc["sales", "answer"] == "The head of sales is in the team"
        assert table.loc["keeper", "answer"] == ""
        assert len(table) == len(QUESTIONS)
        assert not set(QUESTIONS) & {practice.id for practice in PRACTICES}

    def test_an_answer_to_no_question_is_refused_with_the_nearest(self, tmp_path):
        with pytest.raises(ValueError, match=r"there is no question 'sale'.*'sales'"):
            make_plan(tmp_path, {}, readiness={"answers": {"sale": "yes"}})

    def test_plain_texts_stay_deliverables(self, tmp_path):
        plan = make_plan(tmp_path, {}, deliverables=["A list"])
        assert plan.deliverables == (Deliverable(text="A list"),)


class TestOfTheMarket:
    def test_newest_figures_count_if_sourced_and_fresh(self, tmp_path):
        cells = frame(
            country=["FI", "SE", "FI", "SE"],
            year=[2020, 2020, 2025, 2025],
            source=["x", "x", "Statistics", " "],
        )
        found = score(tmp_path, {**make_shop(), "market_cells": cells})
        expected = "1 of 2 newest market figures have a source and are at most 3 years old"
        assert found.loc["market_sourced", "evidence"] == expected
        assert found.loc["market_sourced", "score"] == 2

    def test_old_figures_and_years_to_come_do_not_count(self, tmp_path):
        cells = frame(country=["FI", "FI"], year=[2022, 2027], source=["x", "x"])
        found = score(tmp_path, {**make_shop(), "market_cells": cells})
        assert found.loc["market_sourced", "evidence"].startswith("0 of 1")

    def test_cells_of_no_year_or_source_are_figures_without(self, tmp_path):
        found = score(tmp_path, {**make_shop(), "competitors": frame(competitor=["A"])})
        assert found.loc["market_sourced", "score"] == 0
        assert "market_matched" not in found.index

    def test_cells_are_ours_by_the_customers_who_live_there(self, tmp_path):
        customers = frame(customer_id=[*"abcdef"], country=["FI", "fi ", "FI", "SE", "SE", None])
        tables = {**make_shop(), "customers": customers, "market_cells": frame(country=["Fi"])}
        found = score(tmp_path, tables).loc["market_matched"]
        assert found["evidence"] == "60% of customers live where the market's table looks"
        assert found["score"] == 3

    def test_a_cell_that_the_plan_settles_is_ours(self, tmp_path):
        customers = frame(customer_id=[*"abcde"], country=["EIRE", "eire", "EIRE", "SE", "SE"])
        cells = frame(country=["Ireland", "Norway"])
        tables = {**make_shop(), "customers": customers, "market_cells": cells}
        names = {"Eire": "Ireland", "SE": ""}  # of Sweden the market has none
        found = score(tmp_path, tables, market={"names": names}).loc["market_matched"]
        assert found["evidence"] == "60% of customers live where the market's table looks"


class TestOfCustomers:
    def test_messages_held_back_are_a_control_group(self, tmp_path):
        messages = frame(
            customer_id=["c"] * 20, arm=["control", *["segmented"] * 18, None], opened=[True] * 20
        )
        found = score(tmp_path, {**make_shop(), "messages": messages})
        expected = "5% of messages were held back for a control group"
        assert found.loc["control_group", "evidence"] == expected
        assert found.loc["control_group", "score"] == 4
        assert found.loc["outcomes_recorded", "evidence"] == "1 of 5 outcomes are recorded: opened"

    def test_an_address_of_two_customers_is_not_one_customer(self, tmp_path):
        emails = ["a@x", "A@x ", *[f"{n}@x" for n in range(8)], None, ""]
        customers = frame(customer_id=[*"abcdefghijkl"], email=emails)
        found = score(tmp_path, {**make_shop(), "customers": customers})
        expected = "80% of customers with an e-mail address have it to themselves"
        assert found.loc["identities_joined", "evidence"] == expected
        assert found.loc["identities_joined", "score"] == 1

    def test_the_least_known_column_that_a_scheme_reads_is_told(self, tmp_path):
        customers = frame(
            customer_id=[*"abcdefghij"], income=[1.0] * 4 + [None] * 6, wine=[1.0] * 10
        )
        scheme = {"name": "s", "goal": "keep", "base": "demographic", "method": "kmeans"}
        scheme |= {"columns": ["income", "wine"]}
        found = score(tmp_path, {**make_shop(), "customers": customers}, schemes=[scheme])
        told = found.loc["columns_filled", "evidence"]
        assert (
            told
            == "“yearly income”, least known of what schemes read, is known of 40% of customers"
        )
        assert found.loc["columns_filled", "score"] == 2
        assert found.loc["columns_filled", "needed_by"] == "s"

    def test_answers_are_counted_by_customer(self, tmp_path):
        responses = frame(customer_id=["ann", "ann", "bob", None], answer=["1", "2", None, "1"])
        at = Settings(AS_OF, smallest_cell=1)
        found = score(tmp_path, {**make_shop(), "responses": responses}, at=at)
        # Of ann, bob, cat, dan, eve and fay, and gus, who never bought.
        assert found.loc["survey_answered", "evidence"] == "14% of customers answered a survey"
        assert found.loc["survey_answered", "score"] == 3

    def test_a_run_of_an_earlier_day_has_watched(self, tmp_path):
        days = [AS_OF - datetime.timedelta(days=n) for n in (400, 31)]
        found = score(tmp_path, make_shop(), days=days).loc["scheme_watched"]
        assert found["score"] == 5
        assert found["evidence"] == "the run before this one was of 31 days earlier"


class TestWhatMayBeSeen:
    @pytest.mark.parametrize(
        ("hits", "total", "told"),
        [
            (0, 0, "no customers"),
            (3, 9, "too few customers to tell"),
            (9, 9, "too few customers to tell"),
            (4, 100, "hardly any customers"),
            (5, 100, "5% of customers"),
            (96, 100, "nearly all customers"),
            (95, 100, "95% of customers"),
            (100, 100, "100% of customers"),
            (0, 100, "0% of customers"),
            (99_990, 100_000, "nearly all customers"),
            (10, 100_000, "hardly any customers"),
        ],
    )
    def test_a_share_names_no_small_group(self, hits, total, told):
        assert tell_share(hits, total, smallest=5).evidence == told

    @pytest.mark.parametrize(
        ("count", "told"),
        [(0, "fewer than 5 buyers"), (4, "fewer than 5 buyers"), (5, "5 buyers"),
         (99, "99 buyers"), (104, "about 100 buyers"), (4376, "about 4,400 buyers")],
    )  # fmt: skip
    def test_a_count_has_two_digits(self, count, told):
        assert tell_count(count, smallest=5, what="buyers").evidence == told

    def test_the_scorecard_of_a_tiny_shop_tells_of_no_small_group(self, tmp_path):
        found = score(tmp_path, make_shop(), at=Settings(AS_OF, smallest_cell=5))
        assert found.loc["customers_return", "evidence"].startswith("fewer than 5")
        assert pd.isna(found.loc["customers_return", "value"])
        assert found.loc["consent_known", "evidence"] == "too few customers to tell"
        assert pd.isna(found.loc["consent_known", "value"])


def test_schemes_and_goals_rest_on_a_practice_by_base_method_and_kpi(tmp_path):
    goals = [{"name": "keep_on", "text": "K", "kpi": "repeat_share"}]
    schemes = [
        {"name": "value_tiers", "goal": "keep_on", "base": "value", "method": "tiers"},
        {"name": "people", "goal": "keep_on", "base": "demographic", "method": "kmeans",
         "columns": ["age_years"]},
    ]  # fmt: skip
    plan = make_plan(tmp_path, {}, goals=goals, schemes=schemes)
    by_id = {practice.id: practice for practice in PRACTICES}
    assert list_resting(by_id["customers_return"], plan) == ["value tiers", "keep on"]
    assert list_resting(by_id["customers_enough"], plan) == ["people"]
    assert list_resting(by_id["market_given"], plan) == []


def test_people_are_counted_from_the_first_table_that_names_customers():
    assert count_people(make_shop(), as_of=AS_OF) == {"buyers": 5, "everybody": 7}
    customers = {"customers": frame(customer_id=["a", "b", "b"])}
    assert count_people(customers, as_of=AS_OF) == {"buyers": 2, "everybody": 2}
    assert count_people({}, as_of=AS_OF) == {"buyers": 0, "everybody": 0}


def test_scores_are_compared_by_id_with_those_of_an_earlier_run():
    now = pd.DataFrame({"practice_id": ["a", "b", "c"], "score": [3, 2, 5]})
    before = pd.DataFrame({"practice_id": ["b", "a", "gone"], "score": [4, 3, 1]})
    table = compare_readiness(now, before.assign(as_of=AS_OF))
    assert table["score_before"].tolist() == [3, 4, pd.NA]
    assert table["change"].tolist() == [0, -2, pd.NA]


def test_the_page_states_every_practice_with_its_thresholds_and_every_question():
    page = PAGE.read_text(encoding="utf-8")
    for practice in PRACTICES:
        (line,) = [line for line in page.splitlines() if f"| `{practice.id}` |" in line]
        assert f"| {practice.step} |" in line
        assert f"| {practice.name} |" in line
        assert practice.scale.what in line
        full = practice.scale.write(FULL).split()
        assert next(part for part in full if part[0].isdigit()) in line
        assert all(f"`{name}`" in line for name in practice.needs)
    for name, (step, question) in QUESTIONS.items():
        assert f"| `{name}` | {step} | {question} |" in page
