"""The plan against the data: rules of thumb, room for schemes, steps of goals, what is too much."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from shops import AS_OF, make_tables
from small_plans import make_plan

from segkit.core.arm_sizes import find_arm_size, find_seen_share
from segkit.core.settings import Settings
from segkit.evidence.capacity.goals import fetch_buyers, measure_goals, measure_power, sum_orders
from segkit.evidence.capacity.overreach import COLUMNS, WARNINGS, find_history_days, find_overreach
from segkit.evidence.capacity.room import measure_reach, measure_room
from segkit.evidence.capacity.rules_of_thumb import (
    BEYOND_COUNTING,
    RULES,
    Asked,
    count_most_columns,
    count_most_segments,
)
from segkit.evidence.capacity.series import collect_series
from segkit.evidence.kpis import measure_kpis
from segkit.features.customer_table import build_customers
from segkit.report import capacity as shown
from segkit.report.kpis import count_kpis
from segkit.report.shared.sentences import find_sentence

AT = Settings(AS_OF, smallest_cell=1)
OF_BUYERS = (
    "total_spend",
    "active_customers",
    "repeat_share",
    "mean_order_value",
    "orders_per_customer",
    "lapsed_share",
)
NO_INVENTORY = pd.DataFrame(columns=["table", "first_on", "last_on"])


def make_shop() -> dict[str, ibis.Table]:
    tables = make_tables()
    lines = tables["order_lines"]
    tables["order_lines"] = lines.filter(lines.ordered_at.date() <= AS_OF)
    return tables


def make_scheme(**told) -> dict:
    scheme = {"name": "people", "goal": "keep", "base": "demographic", "method": "kmeans"}
    return {**scheme, "columns": [f"c{n}" for n in range(7)], "segments": [2, 5], **told}


class TestRulesOfThumb:
    @pytest.mark.parametrize(
        ("asked", "needs"),
        [
            (Asked(7, 5), [490, 700, 350, None]),
            (Asked(20, 6, is_binary=True), [1400, 2000, 1200, 5 * 2**20]),
            (Asked(3, 2, is_binary=True), [210, 300, 60, 40]),
            (Asked(200, 2, is_binary=True), [14_000, 20_000, 4_000, BEYOND_COUNTING]),
        ],
    )
    def test_each_rule_by_hand(self, asked, needs):
        assert [rule.count(asked) for rule in RULES] == needs

    def test_each_rule_names_author_and_year(self):
        assert all(any(part.strip("(),").isdigit() for part in r.source.split()) for r in RULES)

    def test_what_customers_carry_is_the_rules_turned_round(self):
        assert count_most_columns(4908) == 49
        assert count_most_segments(4908, 7) == 70
        assert count_most_columns(99) == 0


class TestRoom:
    def test_a_scheme_that_learns_is_held_against_the_rules(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme()])
        row = measure_room(plan, {}, people={"buyers": 500, "everybody": 600}).iloc[0]
        assert row["customer_count"] == 500
        assert row["met"] == "2 of 3"  # 490 and 350 are there, 700 are not
        assert (row["most_columns"], row["most_segments"]) == (5, 7)
        assert row["even_size"] == 100
        assert row["least_size"] == 25
        assert pd.isna(row["by_patterns"])

    def test_columns_of_yes_and_no_have_the_rule_of_patterns(self, tmp_path):
        scheme = make_scheme(method="latent_classes", columns=["a", "b"])
        plan = make_plan(tmp_path, {}, schemes=[scheme])
        columns = {"customers": {"customer_id": "category", "a": "boolean", "b": "boolean"}}
        row = measure_room(plan, columns, people={"buyers": 500, "everybody": 500}).iloc[0]
        assert row["by_patterns"] == 20
        assert row["met"] == "4 of 4"

    def test_what_is_cut_by_rule_learns_nothing(self, tmp_path):
        plan = make_plan(tmp_path, {})
        row = measure_room(plan, {}, people={"buyers": 500, "everybody": 500}).iloc[0]
        assert row["met"] == "cut by rule"
        assert pd.isna(row["by_70_columns"])
        assert row["least_size"] == 25

    def test_segments_are_sought_in_as_many_as_the_plan_says(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme()], most_fitted=1000)
        row = measure_room(plan, {}, people={"buyers": 5000, "everybody": 5000}).iloc[0]
        assert row["customer_count"] == 1000

    def test_nobody_is_no_fault(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme()])
        row = measure_room(plan, {}, people={"buyers": 0, "everybody": 0}).iloc[0]
        assert row["met"] == "0 of 3"
        assert np.isnan(row["share_reach"])

    def test_a_share_of_half_of_a_hundred_is_known_to_within_ten_points(self):
        # Wilson (1927): z sqrt(n / 4 + z^2 / 4) / (n + z^2), with n 100 and z 1.96.
        z = 1.959964
        assert measure_reach(100) == pytest.approx(z * np.sqrt(25 + z**2 / 4) / (100 + z**2))

    def test_the_sentences_name_the_hardest_scheme(self, tmp_path):
        schemes = [make_scheme(), make_scheme(name="more", columns=[f"c{n}" for n in range(9)])]
        plan = make_plan(tmp_path, {}, schemes=schemes)
        room = measure_room(plan, {}, people={"buyers": 500, "everybody": 500})
        told = read_texts(shown.state_room(publish(room, shown.ROOM)))
        hardest = "No scheme asks more of the data than “more”: 9 columns and up to 5 segments"
        assert told[0].startswith(hardest)
        assert told[1].endswith("would be known to within 18 points to either side.")

    def test_of_few_customers_nothing_is_told(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme()])
        room = measure_room(plan, {}, people={"buyers": 4, "everybody": 4})
        published = publish(room, shown.ROOM)
        assert pd.isna(published.frame["customer_count"].iloc[0])
        assert pd.isna(published.frame["most_segments"].iloc[0])
        assert shown.state_room(published) == []


class TestSteps:
    @pytest.mark.parametrize(
        ("now", "target", "count"),
        # Fleiss, Levin and Paik (2003), equation 4.14, worked out by hand.
        [(0.10, 0.20, 199), (0.50, 0.60, 388), (0.20, 0.10, 199), (0.05, 0.06, 8158)],
    )
    def test_customers_of_an_arm(self, now, target, count):
        assert find_arm_size(now, target) == count

    @pytest.mark.parametrize(("now", "target"), [(0.2, 0.2), (-0.1, 0.2), (0.2, 1.3)])
    def test_no_step_and_no_share_need_nobody(self, now, target):
        assert np.isnan(find_arm_size(now, target))

    def test_the_nearest_share_is_the_same_turned_round(self):
        for now, size, upwards in ((0.1, 199, True), (0.3, 1000, False), (0.0, 50, True)):
            seen = find_seen_share(now, size, upwards=upwards)
            assert (seen > now) == upwards
            assert find_arm_size(now, seen) <= size
            assert find_arm_size(now, now + (seen - now) * 0.99) > size

    def test_too_few_see_nothing(self):
        assert np.isnan(find_seen_share(0.9, 3, upwards=True))

    def test_tests_of_such_arms_see_the_step_four_times_in_five(self):
        rng = np.random.default_rng(7)
        size = int(find_arm_size(0.10, 0.20))
        hits = rng.binomial(size, [[0.10], [0.20]], size=(2, 4000))
        pooled = hits.sum(axis=0) / (2 * size)
        error = np.sqrt(2 * pooled * (1 - pooled) / size)
        seen = np.abs(hits[1] - hits[0]) / size > 1.959964 * error
        assert seen.mean() == pytest.approx(0.80, abs=0.03)

    def test_a_goal_that_is_not_met_needs_arms(self, tmp_path):
        goals = [{"name": "keep", "text": "Keep them", "kpi": "repeat_share", "target": 0.6}]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        buyers = fetch_buyers(plan, tables, at=AT)
        measured = measure_goals(plan, buyers, tables, at=AT)
        row = measure_power(measured, tables, at=AT).iloc[0]
        assert row["value"] == 0.4  # ann and bob of five
        assert row["arm_size"] == find_arm_size(0.4, 0.6) == 97
        assert row["customer_count"] == 5
        assert not row["is_enough"]
        # Buyers by month back from 30 June: cat; ann on 1 May is the month before; bob on 31 March
        # and, on 1 January, ann; eve on 1 October; fay's order is more than a year ago.
        assert row["monthly_count"] == 1
        assert row["months"] == 194

    def test_goals_that_are_met_or_of_money_need_no_arms(self, tmp_path):
        goals = [
            {"name": "a", "text": "A", "kpi": "repeat_share", "target": 0.3},
            {"name": "b", "text": "B", "kpi": "total_spend", "target": 1e9},
            {"name": "c", "text": "C", "kpi": "repeat_share"},
            {"name": "d", "text": "D", "kpi": "repeat_share", "target": 40},
        ]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        buyers = fetch_buyers(plan, tables, at=AT)
        power = measure_power(measure_goals(plan, buyers, tables, at=AT), tables, at=AT)
        assert power.empty
        assert "still to be met" in power.reason

    def test_opened_messages_are_counted_by_their_customers(self, tmp_path):
        goals = [{"name": "a", "text": "A", "kpi": "open_share", "target": 0.9}]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        measured = measure_goals(plan, fetch_buyers(plan, tables, at=AT), tables, at=AT)
        row = measure_power(measured, tables, at=AT).iloc[0]
        assert row["customer_count"] == 1  # bob is of the control group, eve's mail bounced


class TestGoals:
    @pytest.fixture(scope="class")
    def whole(self) -> pd.DataFrame:
        """The customer table of the base analysis."""
        return build_customers(make_shop(), as_of=AS_OF).frame

    @pytest.mark.slow
    def test_a_kpi_is_what_the_analysis_measures(self, tmp_path, whole):
        goals = [{"name": kpi, "text": kpi, "kpi": kpi, "target": 1} for kpi in OF_BUYERS]
        tables = make_shop()
        for chosen in (goals, [goal for goal in goals if goal["kpi"] != "lapsed_share"]):
            plan = make_plan(tmp_path, {}, goals=chosen)
            expected = measure_kpis(plan.goals, whole, tables, as_of=AS_OF)
            found = measure_goals(plan, fetch_buyers(plan, tables, at=AT), tables, at=AT)
            pd.testing.assert_frame_equal(found[expected.columns], expected)

    @pytest.mark.slow
    def test_the_few_columns_are_those_of_the_customer_table(self, whole):
        found = sum_orders(make_shop()["order_lines"], at=AT).order_by("customer_id").to_pandas()
        found = found.set_index("customer_id")
        expected = whole.set_index("customer_id")[found.columns]
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)

    def test_own_features_tell_a_kpi_without_orders(self, tmp_path):
        goals = [{"name": "keep", "text": "Keep", "kpi": "repeat_share", "target": 0.9}]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = {"customers": ibis.memtable({"customer_id": ["a", "b"], "order_count": [1, 3]})}
        found = measure_goals(plan, fetch_buyers(plan, tables, at=AT), tables, at=AT)
        assert found["value"].tolist() == [0.5]

    def test_without_a_table_there_is_no_value(self, tmp_path):
        plan = make_plan(tmp_path, {})
        buyers = fetch_buyers(plan, {}, at=AT)
        assert measure_goals(plan, buyers, {}, at=AT)["met"].tolist() == ["no data"]

    def test_a_goal_says_when_it_is_met_and_by_when(self, tmp_path):
        goals = [
            {"name": "a", "text": "A", "kpi": "lapsed_share", "target": 0.1, "due": "2026-12-31"},
            {"name": "b", "text": "B", "kpi": "total_spend", "target": 500.0},
            {"name": "c", "text": "C", "kpi": "total_spend"},
        ]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        buyers = fetch_buyers(plan, tables, at=AT)
        measured = count_kpis(measure_goals(plan, buyers, tables, at=AT), buyers)
        written = shown.write_goals(publish(measured, shown.GOALS, smallest_cell=1)).frame
        assert written["met_text"].tolist() == [
            "at most 10.0%",
            "at least EUR\u202f500.00",
            "no target",
        ]
        assert written["due_text"].tolist() == ["2026-12-31", "", ""]


class TestSeries:
    def test_quarters_count_back_from_the_last_day(self, tmp_path):
        goals = [
            {"name": "keep", "text": "K", "kpi": "repeat_share"},
            {"name": "more", "text": "M", "kpi": "orders_per_customer"},
            {"name": "else", "text": "E", "kpi": "total_spend"},
        ]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        series = collect_series(plan.goals, tables, at=AT)
        keep = series[series["goal"] == "keep"]
        # fay 394 days ago; eve 272, ann 180; bob 91 (his two of one day) and, in the last, ann and
        # cat.
        assert keep["quarter"].tolist() == [4, 2, 1, 0]
        assert keep["value"].tolist() == pytest.approx([0, 0, 1 / 4, 2 / 5])
        assert keep["customer_count"].tolist() == [1, 2, 4, 5]
        more = series[series["goal"] == "more"]
        assert more["value"].iloc[-1] == pytest.approx(7 / 5)
        assert "else" not in set(series["goal"])

    def test_the_last_point_is_the_kpi_as_it_is_now(self, tmp_path):
        goals = [
            {"name": "keep", "text": "K", "kpi": "repeat_share"},
            {"name": "more", "text": "M", "kpi": "orders_per_customer"},
        ]
        plan = make_plan(tmp_path, {}, goals=goals)
        tables = make_shop()
        now = measure_goals(plan, fetch_buyers(plan, tables, at=AT), tables, at=AT)
        last = collect_series(plan.goals, tables, at=AT).groupby("goal")["value"].last()
        assert last[now["goal"]].tolist() == pytest.approx(now["value"].tolist())

    def test_without_the_tables_there_is_none(self, tmp_path):
        goals = [{"name": "keep", "text": "K", "kpi": "open_share"}]
        plan = make_plan(tmp_path, {}, goals=goals)
        assert collect_series(plan.goals, {}, at=AT).empty
        assert len(collect_series(plan.goals, make_shop(), at=AT)) == 1


def find(plan, *, people=500, goals=None, series=None, power=None, fill=None, **told):
    """Find what is too much in a plan, with what is not named left empty."""
    return find_overreach(
        plan,
        room=measure_room(plan, {}, people={"buyers": people, "everybody": people}),
        power=pd.DataFrame(columns=["is_enough"]) if power is None else power,
        series=pd.DataFrame(columns=["goal", "value"]) if series is None else series,
        goals=pd.DataFrame() if goals is None else goals,
        fill=fill or {},
        inventory=told.get("inventory", NO_INVENTORY),
        at=AT,
    )


def say(table, goals=None, *, smallest_cell=5) -> list[str]:
    """Return the sentences of a table of warnings."""
    goals = pd.DataFrame() if goals is None else goals
    parts = [
        publish(part, view, smallest_cell=smallest_cell)
        for part, view in shown.part_overreach(table)
    ]
    found = publish(goals, shown.GOALS, smallest_cell=smallest_cell)
    return read_texts(shown.state_overreach(parts, found))


class TestOverreach:
    def test_a_plan_that_asks_nothing_too_much_is_told_so(self, tmp_path):
        table = find(make_plan(tmp_path, {}))
        assert list(table.columns) == list(COLUMNS)
        assert say(table) == [
            "Nothing was found in which the plan asks more than the data can carry."
        ]

    def test_segments_beyond_the_criteria_and_beyond_the_customers(self, tmp_path):
        scheme = make_scheme(segments=[2, 8], name="many_people")
        plan = make_plan(tmp_path, {}, schemes=[scheme])
        assert say(find(plan, people=490)) == [
            "The scheme “many people” asks for up to 8 segments, but the criteria allow 6 "
            "segments.",
            "The scheme “many people” asks for up to 8 segments, but by a rule of thumb the "
            "customers there carry 7 segments in its columns.",
            "The scheme “many people” reads 7 columns, but by a rule of thumb the customers there "
            "carry 4 columns.",
        ]

    def test_what_few_customers_carry_is_not_told(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme()])
        told = say(find(plan, people=4))
        assert told == ["“people” asks more than so few customers can carry."] * 2

    def test_a_goal_without_a_scheme(self, tmp_path):
        goals = [{"name": name, "text": name, "kpi": "total_spend"} for name in ("keep", "sell_on")]
        assert say(find(make_plan(tmp_path, {}, goals=goals))) == [
            "No scheme serves the goal “sell on”."
        ]

    def test_a_column_that_few_filled_in(self, tmp_path):
        plan = make_plan(tmp_path, {}, schemes=[make_scheme(columns=["income", "child_count"])])
        (told,) = say(find(plan, fill={"income": 0.314, "child_count": 0.5}))
        assert told == (
            "The scheme “people” reads “yearly income”, which is known of 31% of customers, less "
            "than half."
        )

    @pytest.mark.parametrize(
        ("due", "told"),
        [
            ("2026-06-30", "was due on 2026-06-30, before the last day counted"),
            ("2027-06-30", "is due in 365 days, but there are 200 days of orders"),
            ("2026-12-31", ""),
        ],
    )
    def test_a_day_that_is_past_or_further_off_than_orders_go_back(self, tmp_path, due, told):
        goals = [{"name": "keep", "text": "Keep", "kpi": "total_spend", "due": due}]
        first = AS_OF - datetime.timedelta(days=199)
        inventory = pd.DataFrame(
            {"table": ["order_lines"], "first_on": [first], "last_on": [AS_OF]}
        )
        texts = say(find(make_plan(tmp_path, {}, goals=goals), inventory=inventory))
        assert told in texts[0] if told else texts[0].startswith("Nothing was found")

    def make_goals(self, value, *, met="no", kpi="repeat_share", target=0.6):
        row = {"goal": "keep", "text": "Keep", "kpi": kpi, "measure": "Share of buyers"}
        row |= {"value": value, "target": target, "met": met, "met_when": "at least"}
        row |= {"is_lower": kpi == "lapsed_share", "is_share": True, "unit": "share"}
        return pd.DataFrame([{**row, "due_on": None, "customer_count": 900}])

    def test_a_target_that_is_met_asks_for_nothing(self, tmp_path):
        goals = self.make_goals(0.7, met="yes")
        plan = make_plan(tmp_path, {}, goals=[
            {"name": "keep", "text": "Keep", "kpi": "repeat_share", "target": 0.6}])  # fmt: skip
        assert say(find(plan, goals=goals), goals) == [
            "“Keep” is met already: share of buyers is 70.0%, and the goal asks for at least "
            "60.0%. A target further on would ask for something."
        ]

    @pytest.mark.parametrize(("seen", "is_beyond"), [(0.59, True), (0.6, False), (0.61, False)])
    def test_a_target_beyond_all_that_was_seen(self, tmp_path, seen, is_beyond):
        series = pd.DataFrame({"goal": "keep", "value": [0.2, seen, 0.4, 0.5]})
        series["customer_count"] = [10, 20, 30, 40]
        goals = self.make_goals(0.5)
        table = find(make_plan(tmp_path, {}), goals=goals, series=series)
        assert (len(table) == 1) == is_beyond
        if is_beyond:
            assert say(table, goals) == [
                "“Keep” asks for at least 60.0%, beyond all that was seen: no quarter of a year "
                "was further on than 59.0%, of 20 customers."
            ]

    def test_few_quarters_have_seen_too_little(self, tmp_path):
        series = pd.DataFrame({"goal": "keep", "value": [0.1] * 3, "customer_count": 99})
        assert find(make_plan(tmp_path, {}), goals=self.make_goals(0.1), series=series).empty

    def test_lower_is_better_of_what_shall_fall(self, tmp_path):
        series = pd.DataFrame({"goal": "keep", "value": [0.2] * 4, "customer_count": 99})
        goals = self.make_goals(0.2, kpi="lapsed_share", target=0.1)
        assert len(find(make_plan(tmp_path, {}), goals=goals, series=series)) == 1
        goals = self.make_goals(0.2, kpi="lapsed_share", target=0.2)
        assert find(make_plan(tmp_path, {}), goals=goals, series=series).empty

    def test_a_step_that_nobody_could_show(self, tmp_path):
        power = pd.DataFrame(
            {"text": ["Keep"], "arm_size": [97.0], "customer_count": [100], "is_enough": [False]}
        )
        assert say(find(make_plan(tmp_path, {}), power=power)) == [
            "“Keep” asks for a step that the data cannot show in a test: both arms need 194 "
            "customers together, and there are 100 customers."
        ]

    def test_each_kind_has_a_sentence(self):
        for kind in WARNINGS:
            assert find_sentence(f"capacity.overreach.{kind}")

    def test_days_of_orders_include_both_ends(self):
        assert np.isnan(find_history_days(NO_INVENTORY))


def test_power_is_told_with_its_months_and_its_count():
    power = pd.DataFrame(
        {
            "goal": ["keep"], "text": ["Keep"], "kpi": ["repeat_share"], "value": [0.4],
            "target": [0.6], "arm_size": [97.0], "customer_count": [5000], "is_enough": [True],
            "seen_share": [0.43], "monthly_count": [100.0], "months": [2.0],
        }
    )  # fmt: skip
    assert read_texts(shown.state_power(publish(power, shown.POWER))) == [
        "“Keep”: to show a step from 40.0% to 60.0% in a test, each of two arms needs 97 "
        "customers; there are 5\u202f000 customers, and as many as come in 2 months fill both arms."
    ]
    few = publish(power.assign(customer_count=4), shown.POWER)
    assert shown.state_power(few) == []
