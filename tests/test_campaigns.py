"""What campaigns are measured by, on examples small enough to work out on paper."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.core.contrasts import (
    Means,
    bound_amount_contrast,
    bound_mean_ratio,
    bound_share_contrast,
    find_amount_p_value,
    find_control_size,
    find_detectable,
    measure_heterogeneity,
)
from segkit.core.settings import Settings
from segkit.core.statistics import bound_share_difference, find_share_p_value
from segkit.evidence.campaigns.assigned import (
    NO_ARMS,
    NO_MESSAGES,
    NOTHING_COMPARED,
    assign_customers,
)
from segkit.evidence.campaigns.checks import (
    SEGMENT_SHARES,
    check_balance,
    check_sizes,
    count_arms,
    find_size_p_value,
)
from segkit.evidence.campaigns.contrasts import EVERYBODY, estimate_arms
from segkit.evidence.campaigns.effects import (
    DIFFERENCE,
    compare_arms,
    compare_campaigns,
    correct_families,
)
from segkit.evidence.campaigns.measured import measure_campaigns
from segkit.evidence.campaigns.policies import BY_SEGMENT, NOBODY, NOT_RANDOM, value_policies
from segkit.plan.campaigns import Campaigns

AT = Settings(datetime.date(2026, 6, 30), random_state=7)
DAY = "2026-05-01 09:00"
NO_SEGMENTS = pd.DataFrame({"customer_id": [], "segment_name": []}, dtype=str)
PLAN = Campaigns(arms={"new": [], "control": []}, assigned="random", window_days=10)


def make_messages(*groups, campaign="M", day=DAY, first=0):
    """Return messages: of each group its arm, size and how many converted."""
    rows = []
    number = first
    for arm, size, converted in groups:
        for place in range(size):
            rows.append((f"c{number}", pd.Timestamp(day), campaign, arm, place < converted))
            number += 1
    return pd.DataFrame(rows, columns=["customer_id", "sent_at", "campaign_id", "arm", "converted"])


def make_segments(names):
    frame = pd.DataFrame({"customer_id": list(names), "segment_name": list(names.values())})
    return frame.astype(str)


def assign(messages, segments=NO_SEGMENTS, *, plan=PLAN, at=AT, **others):
    tables = {"messages": messages, **others}
    tables = {name: ibis.memtable(frame) for name, frame in tables.items()}
    return assign_customers(tables, segments, plan=plan, at=at)


def compare(messages, segments=NO_SEGMENTS, *, plan=PLAN, **others):
    effects = compare_arms(assign(messages, segments, plan=plan, **others)).effects
    return effects.set_index(["treated", "baseline", "outcome", "segment_name"])


WHOLE = ("new", "control", "converted", EVERYBODY)


class TestEffects:
    def test_one_campaign_has_newcombes_interval_and_pearsons_p_value(self):
        row = compare(make_messages(("new", 100, 30), ("control", 50, 5))).loc[WHOLE]
        assert row["treated_value"] == 0.3
        assert row["baseline_value"] == 0.1
        arrays = [np.array([float(n)]) for n in (30, 100, 5, 50)]
        others = {"other_hits": arrays[2], "other_trials": arrays[3]}
        low, high = bound_share_difference(*arrays[:2], **others)
        assert row["difference_low"] == pytest.approx(low[0], abs=1e-8)
        assert row["difference_high"] == pytest.approx(high[0], abs=1e-8)
        p_value = find_share_p_value(*arrays[:2], **others)[0]
        assert row["p_value"] == pytest.approx(p_value, rel=1e-6)
        # Katz: log 3, with variance .7 / 30 + .9 / 5.
        assert row["ratio"] == pytest.approx(3)
        error = np.sqrt(0.7 / 30 + 0.9 / 5)
        assert row["ratio_low"] == pytest.approx(3 * np.exp(-1.959964 * error), rel=1e-6)
        assert row["rests_on_count"] == 50

    def test_everybody_counts_reached_or_not(self):
        messages = make_messages(("new", 10, 4), ("old", 10, 2))
        messages["opened"] = messages["converted"]
        messages["bounced"] = [True] * 5 + [False] * 15
        plan = Campaigns(arms={"new": [], "old": []}, compared=[("new", "old")])
        row = compare(messages, plan=plan).loc[("new", "old", "opened", EVERYBODY)]
        assert row["treated_value"] == 0.4, "four of ten, though five of them bounced"

    def test_several_messages_of_a_campaign_count_once(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2))
        again = messages.assign(converted=False)
        row = compare(pd.concat([messages, again, again])).loc[WHOLE]
        assert row["treated_count"] == 10
        assert row["treated_value"] == 0.4

    def test_campaigns_are_weighed_as_mantel_and_haenszel_do(self):
        one = make_messages(("new", 10, 5), ("control", 10, 3), campaign="A")
        other = make_messages(("new", 30, 6), ("control", 10, 1), campaign="B", first=100)
        row = compare(pd.concat([one, other])).loc[WHOLE]
        # Weights 10 * 10 / 20 = 5 and 30 * 10 / 40 = 7.5; differences .2 and .1.
        assert row["difference"] == pytest.approx((5 * 0.2 + 7.5 * 0.1) / 12.5)
        assert row["ratio"] == pytest.approx((5 * 0.5 + 7.5 * 0.2) / (5 * 0.3 + 7.5 * 0.1))
        assert row["campaign_count"] == 2

    def test_who_is_in_every_campaign_is_no_more_than_one_customer(self):
        one = make_messages(("new", 40, 12), ("control", 40, 6), campaign="A")
        alone = compare(one).loc[WHOLE]
        twice = compare(pd.concat([one, one.assign(campaign_id="B")])).loc[WHOLE]
        assert twice["treated_count"] == 80
        assert twice["rests_on_count"] == 40
        for name in ("difference", "difference_low", "difference_high", "p_value", "ratio_low"):
            assert twice[name] == pytest.approx(alone[name], rel=1e-6), name
        assert twice["detectable"] == pytest.approx(alone["detectable"], rel=1e-6)

    def test_by_lot_in_each_campaign_more_campaigns_tell_more(self):
        one = make_messages(("new", 40, 12), ("control", 40, 6), campaign="A")
        other = make_messages(("new", 40, 12), ("control", 40, 6), campaign="B", first=100)
        alone = compare(one).loc[WHOLE]
        both = compare(pd.concat([one, other])).loc[WHOLE]
        width = both["difference_high"] - both["difference_low"]
        assert width < 0.75 * (alone["difference_high"] - alone["difference_low"])

    def test_nobody_a_hit_is_no_difference_and_no_ratio(self):
        row = compare(make_messages(("new", 20, 0), ("control", 20, 0))).loc[WHOLE]
        assert row["difference"] == 0
        assert row["p_value"] == 1
        assert np.isnan(row["ratio"])
        assert row["difference_low"] < 0 < row["difference_high"]
        assert 0 < row["detectable"] < 1

    def test_the_primary_stands_alone_and_the_others_are_corrected(self):
        table = pd.DataFrame(
            {"p_value": [0.04, 0.02, 0.03, np.nan], "is_primary": [True, False, False, False]}
        )
        corrected = correct_families(table)
        assert corrected["adjusted_p_value"].tolist()[:3] == pytest.approx([0.04, 0.04, 0.04])
        assert corrected["differs"].tolist() == [True, True, True, False]
        apart = correct_families(table, pd.Series([True, True, False, False]))
        assert apart["adjusted_p_value"].tolist()[:3] == pytest.approx([0.04, 0.02, 0.03])

    def test_each_campaign_by_itself(self):
        one = make_messages(("new", 10, 5), ("control", 10, 3), campaign="late", day="2026-05-02")
        other = make_messages(("new", 30, 6), ("control", 10, 1), campaign="early", first=100)
        assigned = assign(pd.concat([one, other]))
        table = compare_campaigns(assigned, compare_arms(assigned).effects)
        assert table["campaign"].tolist() == ["early", "late"]
        assert table["difference"].tolist() == pytest.approx([0.1, 0.2])
        assert table["rests_on_count"].tolist() == [10, 10]


class TestWhatCannotBe:
    def test_opens_of_a_control_group_are_told_and_not_compared(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2))
        messages["opened"] = [False] * 15 + [True] * 5
        assigned = assign(messages)
        told = assigned.left_out.set_index("what")["row_count"]
        assert told["messages of the control group with “opened”"] == 5
        effects = compare_arms(assigned).effects
        assert set(effects["outcome"]) == {"converted"}

    def test_two_arms_in_one_campaign_are_left_out_and_counted(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2))
        twice = messages.head(3).assign(arm="control")
        assigned = assign(pd.concat([messages, twice]))
        told = assigned.left_out.set_index("what")["row_count"]
        assert told["customers in two arms of a campaign"] == 3
        effects = compare_arms(assigned).effects.set_index("segment_name").loc[EVERYBODY]
        assert effects["treated_count"] == 7
        assert effects["baseline_count"] == 10

    def test_rows_without_an_arm_or_a_campaign_are_counted(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2))
        messages.loc[0, "arm"] = None
        messages.loc[[11, 12], "campaign_id"] = None
        told = assign(messages).left_out.set_index("what")["row_count"]
        assert told["messages without an arm"] == 1
        assert told["messages without a campaign"] == 2

    def test_an_outcome_that_only_one_arm_records_is_not_compared(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2)).astype({"converted": object})
        messages.loc[messages["arm"] == "control", "converted"] = None
        assert compare(messages.astype({"converted": "boolean"})).empty

    def test_who_has_no_record_counts_as_no_and_is_counted(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2)).astype(
            {"converted": "boolean"}
        )
        messages.loc[[8, 9], "converted"] = pd.NA
        assigned = assign(messages)
        told = assigned.left_out.set_index("what")["row_count"]
        assert told["customers in a campaign without a record of “converted”"] == 2
        row = compare_arms(assigned).effects.iloc[0]
        assert row["treated_value"] == 0.4

    def test_without_messages_arms_or_two_of_them_one_line_says_what_to_collect(self):
        for tables, reason in (
            ({}, NO_MESSAGES),
            ({"messages": make_messages(("new", 3, 1)).drop(columns="arm")}, NO_ARMS),
            ({"messages": make_messages(("new", 3, 1)).assign(arm=None)}, NO_ARMS),
            ({"messages": make_messages(("new", 3, 1)).head(0)}, NO_ARMS),
            ({"messages": make_messages(("new", 3, 1))}, NOTHING_COMPARED),
            ({"messages": make_messages(("control", 3, 1))}, NOTHING_COMPARED),
        ):
            opened = {
                name: ibis.memtable(frame.astype({"arm": "string"} if "arm" in frame else {}))
                for name, frame in tables.items()
            }
            measured = measure_campaigns(opened, NO_SEGMENTS, plan=PLAN, at=AT)
            for name in ("arms", "sizes", "balance", "effects", "heterogeneity", "by_campaign"):
                table = getattr(measured, name)
                assert table.empty
                assert table.reason == reason, name
            assert measured.policies.empty
            assert measured.curve.empty

    def test_messages_without_a_campaign_s_name_are_one_campaign(self):
        messages = make_messages(("new", 10, 4), ("control", 10, 2)).drop(columns="campaign_id")
        assert compare(messages).loc[WHOLE, "campaign_count"] == 1


def make_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "line_amount", "line_type"])
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"])
    return lines.assign(order_id=[f"o{n}" for n in range(len(lines))])


class TestWindow:
    LINES = make_lines(
        ("c0", "2026-05-01 08:00", 10.0, "sale"),  # on the day itself
        ("c0", "2026-05-10 23:00", 20.0, "sale"),  # the last of ten days
        ("c0", "2026-05-11 00:00", 40.0, "sale"),  # too late
        ("c0", "2026-04-30 23:00", 80.0, "sale"),  # before
        ("c1", "2026-05-03 10:00", 30.0, "sale"),
        ("c1", "2026-05-04 10:00", -30.0, "return"),
        ("c3", "2026-05-02 10:00", 6.0, "sale"),
        ("c9", "2026-05-02 10:00", 999.0, "sale"),  # in no campaign
    )
    MESSAGES = make_messages(("new", 3, 0), ("control", 3, 0))

    def test_spend_is_net_within_the_window_and_nought_where_nobody_ordered(self):
        found = compare(self.MESSAGES, order_lines=self.LINES)
        spend = found.loc[("new", "control", "spend", EVERYBODY)]
        assert spend["treated_value"] == pytest.approx((30 + 0 + 0) / 3)
        assert spend["baseline_value"] == pytest.approx(6 / 3)
        ordered = found.loc[("new", "control", "ordered", EVERYBODY)]
        assert ordered["treated_value"] == pytest.approx(2 / 3), "one sent it back, and had ordered"

    def test_amounts_have_welch_s_interval(self):
        amounts = [4.0, 6.0, 8.0, 1.0, 2.0, 3.0]
        lines = make_lines(*((f"c{n}", "2026-05-01", a, "sale") for n, a in enumerate(amounts)))
        spend = compare(self.MESSAGES, order_lines=lines).loc[
            ("new", "control", "spend", EVERYBODY)
        ]
        from scipy.stats import ttest_ind

        found = ttest_ind(amounts[:3], amounts[3:], equal_var=False)
        ends = found.confidence_interval()
        assert spend["difference"] == 4
        assert spend["p_value"] == pytest.approx(found.pvalue, rel=1e-4)
        assert spend["difference_low"] == pytest.approx(ends.low, rel=1e-4)
        assert spend["difference_high"] == pytest.approx(ends.high, rel=1e-4)

    def test_a_campaign_whose_window_is_not_over_is_still_running(self):
        for last, running in (
            (datetime.date(2026, 5, 9), True),
            (datetime.date(2026, 5, 10), False),
        ):
            assigned = assign(self.MESSAGES, at=Settings(last), order_lines=self.LINES)
            assert assigned.campaigns["is_running"].tolist() == [running]
            outcomes = set(compare_arms(assigned).effects["outcome"])
            assert outcomes == ({"converted"} if running else {"converted", "spend", "ordered"})
            assert ("campaigns still running" in set(assigned.left_out["what"])) == running

    def test_a_campaign_from_before_the_first_order_is_left_out(self):
        early = make_messages(("new", 3, 0), ("control", 3, 0), campaign="early", day="2026-04-20")
        assigned = assign(pd.concat([self.MESSAGES, early]), order_lines=self.LINES)
        told = assigned.left_out.set_index("what")["row_count"]
        assert told["campaigns sent before the first order or visit that is known"] == 1
        effects = compare_arms(assigned).effects.set_index("outcome")
        assert effects.loc["spend", "campaign_count"] == 1
        assert effects.loc["converted", "campaign_count"] == 2

    def test_visits_are_seen_of_anybody(self):
        events = pd.DataFrame(
            {
                "customer_id": ["c0", "c0", "c3", "c4", None],
                "occurred_at": pd.to_datetime(["2026-05-01"] * 3 + ["2026-05-20"] + ["2026-04-02"]),
            }
        )
        row = compare(self.MESSAGES, events=events).loc[("new", "control", "visited", EVERYBODY)]
        assert row["treated_value"] == pytest.approx(1 / 3)
        assert row["baseline_value"] == pytest.approx(1 / 3)

    def test_what_was_known_before_is_of_before(self):
        assigned = assign(self.MESSAGES, order_lines=self.LINES)
        found = compare_arms(assigned)
        rows = found.estimates[("new", "control")].rows.set_index("measure")
        assert rows.loc["prior_spend", "mean_one"] == pytest.approx(80 / 3)
        assert rows.loc["prior_orders", "mean_one"] == pytest.approx(1 / 3)
        assert set(found.effects["outcome"]) == {"converted", "ordered", "spend"}

    def test_huge_amounts_do_no_harm(self):
        lines = self.LINES.assign(line_amount=self.LINES["line_amount"] * 1e12)
        spend = compare(self.MESSAGES, order_lines=lines).loc[
            ("new", "control", "spend", EVERYBODY)
        ]
        assert spend["treated_value"] == pytest.approx(1e13)
        assert np.isfinite(spend["difference_low"])


class TestSegments:
    def make(self, first, second):
        """Return messages and segments: (size, converted) of new and control, in two segments."""
        parts = [
            make_messages(("new", *first[0]), ("control", *first[1])),
            make_messages(("new", *second[0]), ("control", *second[1]), first=5000),
        ]
        names = dict.fromkeys(parts[0]["customer_id"], "X")
        names |= dict.fromkeys(parts[1]["customer_id"], "Y")
        return pd.concat(parts), make_segments(names)

    def test_segments_of_other_levels_and_one_difference_do_not_answer_differently(self):
        messages, segments = self.make(((200, 120), (200, 100)), ((200, 40), (200, 20)))
        found = compare_arms(assign(messages, segments)).heterogeneity
        tests = found.set_index("scale")
        assert tests.loc[DIFFERENCE, "q"] == pytest.approx(0, abs=1e-9)
        assert not tests.loc[DIFFERENCE, "differs"]
        assert tests.loc["ratio", "q"] > 3, "twice as many in one, a fifth more in the other"

    def test_opposite_differences_answer_differently(self):
        messages, segments = self.make(((200, 80), (200, 20)), ((200, 20), (200, 80)))
        row = compare_arms(assign(messages, segments)).heterogeneity.set_index("scale")
        assert row.loc[DIFFERENCE, "differs"]
        assert row.loc[DIFFERENCE, "i_squared"] > 0.9

    def test_q_by_hand(self):
        q, count, p_value, i_squared = measure_heterogeneity(
            np.array([0.1, 0.2, np.nan, 0.4]), np.array([0.01, 0.01, 0.01, 0.02])
        )
        # Weights 100, 100 and 50, mean .2; 100 * .01 + 0 + 50 * .04 = 3.
        assert q == pytest.approx(3)
        assert count == 3
        assert p_value == pytest.approx(np.exp(-1.5))
        assert i_squared == pytest.approx(1 / 3)

    def test_one_segment_or_none_has_no_test_of_segments(self):
        messages = make_messages(("new", 20, 4), ("control", 20, 2))
        for names in ({}, dict.fromkeys(messages["customer_id"], "X")):
            segments = make_segments(names) if names else NO_SEGMENTS
            found = compare_arms(assign(messages, segments))
            assert found.heterogeneity.empty
            assert found.effects["segment_name"].tolist() == ["", "X"][: 1 + bool(names)]

    def test_customers_without_a_segment_count_among_all(self):
        messages = make_messages(("new", 20, 4), ("control", 20, 2))
        segments = make_segments({f"c{n}": "X" for n in (0, 1, 20, 21)})
        found = compare(messages, segments)
        assert found.loc[WHOLE, "treated_count"] == 20
        assert found.loc[(*WHOLE[:3], "X"), "treated_count"] == 2


class TestChecks:
    def test_sizes_are_tested_against_the_plan_s_shares_only(self):
        messages = make_messages(("new", 60, 0), ("control", 40, 0))
        plan = Campaigns(arms={"new": [], "control": []}, shares={"new": 0.5, "control": 0.5})
        assert check_sizes(assign(messages, plan=plan))["p_value"].iloc[0] == pytest.approx(
            0.0455, abs=1e-4
        )
        assert check_sizes(assign(messages))["p_value"].isna().all()
        many = make_messages(("new", 700, 0), ("control", 500, 0))
        assert check_sizes(assign(many, plan=plan))["is_mismatch"].all()

    def test_a_campaign_of_some_of_the_arms_is_tested_among_these(self):
        shares = {"new": 0.4, "old": 0.4, "control": 0.2}
        assert find_size_p_value(pd.Series({"new": 50, "old": 50}), shares) == 1.0
        assert np.isnan(find_size_p_value(pd.Series({"new": 50}), shares))

    def test_arms_are_counted_over_campaigns(self):
        one = make_messages(("new", 6, 0), ("control", 4, 0))
        table = count_arms(assign(pd.concat([one, one.assign(campaign_id="B")])))
        assert table["arm"].tolist() == ["new", "control"]
        assert table["assigned_count"].tolist() == [12, 8]
        assert table["customer_count"].tolist() == [6, 4]
        assert table["assigned_share"].tolist() == [0.6, 0.4]

    def test_arms_that_differed_before_are_unbalanced(self):
        messages = make_messages(("new", 40, 0), ("control", 40, 0))
        spent = [(f"c{n}", "2026-04-01", 100.0 + n % 5, "sale") for n in range(40)]
        assigned = assign(messages, order_lines=make_lines(*spent))
        table = check_balance(assigned, compare_arms(assigned).estimates)
        table = table.set_index("known_before")
        assert table.loc["prior_spend", "is_unbalanced"]
        assert table.loc["prior_spend", "standardised_difference"] > 10

    def test_the_shares_of_segments_are_compared(self):
        messages = make_messages(("new", 40, 0), ("control", 40, 0))
        names = {f"c{n}": "X" if n < 30 or 40 <= n < 50 else "Y" for n in range(80)}
        assigned = assign(messages, make_segments(names))
        table = check_balance(assigned, compare_arms(assigned).estimates)
        row = table.set_index("known_before").loc[SEGMENT_SHARES]
        # Shares .75 and .25, each with a standard deviation of root .1875.
        assert abs(row["standardised_difference"]) == pytest.approx(0.5 / np.sqrt(0.1875))
        assert row["is_unbalanced"]


def make_opposed():
    """Return messages that help segment X and harm Y, many of each."""
    one = make_messages(("new", 400, 160), ("control", 400, 80))
    other = make_messages(("new", 400, 40), ("control", 400, 120), first=5000)
    names = dict.fromkeys(one["customer_id"], "X")
    names |= dict.fromkeys(other["customer_id"], "Y")
    return pd.concat([one, other]), make_segments(names)


class TestPolicies:
    def test_the_best_arm_for_each_segment_beats_everybody_and_nobody(self):
        policies, curve = value_policies(assign(*make_opposed()))
        table = policies.set_index("policy")
        assert table.loc[NOBODY, "value"] == pytest.approx(0.25)
        assert table.loc["new to everybody", "value"] == pytest.approx(0.25)
        assert table.loc[BY_SEGMENT, "value"] == pytest.approx(0.35)
        assert table.loc[NOBODY, "gain_low"] > 0.05
        assert table.loc[NOBODY, "gain"] == pytest.approx(0.1)
        assert curve["targeted_share"].tolist() == pytest.approx([0, 0.5, 1])
        assert curve["gain"].tolist() == pytest.approx([0, 0.1, 0])
        assert curve["qini"].iloc[-1] == pytest.approx(0.05)

    def test_arms_of_other_sizes_are_weighed_by_their_chances(self):
        one = make_messages(("new", 300, 120), ("control", 100, 20), campaign="A")
        other = make_messages(("new", 100, 40), ("control", 300, 60), campaign="B", first=5000)
        names = {one: "XY"[n % 2] for n, one in enumerate([*one.customer_id, *other.customer_id])}
        policies, _ = value_policies(assign(pd.concat([one, other]), make_segments(names)))
        table = policies.set_index("policy")
        assert table.loc["new to everybody", "value"] == pytest.approx(0.4)
        assert table.loc[NOBODY, "value"] == pytest.approx(0.2)

    def test_without_lots_no_policy_is_valued(self):
        plan = Campaigns(arms={"new": [], "control": []}, assigned="chosen")
        messages, segments = make_opposed()
        policies, curve = value_policies(assign(messages, segments, plan=plan))
        assert policies.empty
        assert policies.reason == NOT_RANDOM
        assert curve.empty

    def test_one_segment_leaves_nothing_to_choose(self):
        messages = make_messages(("new", 20, 4), ("control", 20, 2))
        segments = make_segments(dict.fromkeys(messages["customer_id"], "X"))
        policies, _ = value_policies(assign(messages, segments))
        assert policies.empty

    def test_the_seed_draws_the_folds_and_the_order_of_rows_does_not(self):
        messages, segments = make_opposed()
        first = value_policies(assign(messages, segments))[0]
        mixed = messages.sample(frac=1, random_state=3)
        again = value_policies(assign(mixed, segments.iloc[::-1]))[0]
        pd.testing.assert_frame_equal(first, again)


class TestContrasts:
    def test_shares_of_the_same_customers_have_no_interval_wider_than_those_of_others(self):
        one = Means(np.array([0.5]), np.array([0.0025]), np.array([100.0]))
        apart = bound_share_contrast(one, one, covariance=np.zeros(1))
        alike = bound_share_contrast(one, one, covariance=np.array([0.0024]))
        assert alike[1] - alike[0] < 0.3 * (apart[1] - apart[0])

    def test_a_ratio_of_a_mean_that_is_not_above_zero_is_not_known(self):
        one = Means(np.array([2.0, -1.0, 1.0]), np.full(3, 0.1), np.full(3, 10.0))
        other = Means(np.array([1.0, 1.0, 0.0]), np.full(3, 0.1), np.full(3, 10.0))
        ratio, low, high = bound_mean_ratio(one, other, covariance=np.zeros(3))
        assert ratio[0] == 2
        assert np.isnan([ratio[2], low[1], high[1], low[2]]).all()

    def test_the_size_of_a_control_group_lets_the_effect_be_detected(self):
        size = find_control_size([0.16], [50_000.0], effect=0.02)[0]
        error = np.sqrt(0.16 / size + 0.16 / (50_000 - size))
        assert find_detectable(error) == pytest.approx(0.02, rel=1e-3)
        smaller = np.sqrt(0.16 / (size - 20) + 0.16 / (50_000 - size + 20))
        assert find_detectable(smaller) > 0.02

    def test_an_interval_that_leaves_out_zero_has_a_p_value_below_five_per_cent(self):
        rng = np.random.default_rng(1)
        difference, freedom = rng.normal(0, 2, 300), np.full(300, 40.0)
        low, high = bound_amount_contrast(difference, np.ones(300), freedom=freedom)
        p_values = find_amount_p_value(difference, np.ones(300), freedom=freedom)
        assert ((low > 0) | (high < 0)).tolist() == (p_values < 0.05).tolist()


def test_the_engine_gives_what_pandas_gives_with_clusters():
    """Of customers in several campaigns the variance is that of the sums by customer."""
    rng = np.random.default_rng(5)
    rows = [
        (f"c{n}", pd.Timestamp(DAY), f"M{m}", rng.choice(["new", "control"]), rng.random() < 0.3)
        for n in range(60)
        for m in range(4)
        if rng.random() < 0.8
    ]
    messages = pd.DataFrame(rows, columns=make_messages().columns)
    estimate = estimate_arms(assign(messages), ("new", "control"), ["converted"])
    groups = messages.groupby(["campaign_id", "arm"])["converted"]
    counts, means = groups.size(), groups.mean()
    weight = {
        name: counts[name, "new"] * counts[name, "control"] / (counts[name].sum())
        for name in messages["campaign_id"].unique()
    }
    whole = sum(weight.values())
    sign = messages["arm"].map({"new": 1, "control": -1})
    keys = list(zip(messages["campaign_id"], messages["arm"], strict=True))
    share = np.array([weight[m] / whole / counts[m, arm] for m, arm in keys])
    centred = messages["converted"] - np.array([means[key] for key in keys])
    added = (sign * share * centred).groupby(messages["customer_id"]).sum()
    assert estimate.find_error()[0] == pytest.approx(np.sqrt((added**2).sum()), rel=1e-6)
