"""The one matrix that decides, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from pydantic import ValidationError

from segkit.action.channel_answers import CLICKED, CONVERTED
from segkit.action.decisions import Known, choose_channels, collect_decisions, rank_segments
from segkit.core.privacy import Shape
from segkit.plan.campaigns import Campaigns
from segkit.plan.models import Criteria
from segkit.plan.targeting import Targeting
from segkit.report import decisions as report
from segkit.report.shared.views import View

CRITERIA = Criteria(attractiveness={"value_share": 1}, fit={"reach": 1, "consent_share": 1})


@pytest.fixture
def measures() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment_name": ["Many", "Rich"],
            "customer_count": [700, 300],
            "customer_share": [0.7, 0.3],
            "value_share": [0.4, 0.6],
            "mean_value": [40.0, 140.0],
            "stability": [0.9, 0.8],
            "reach": [0.9, 0.6],
            "consent_share": [0.5, np.nan],
        }
    )


@pytest.fixture
def known() -> Known:
    sizes = pd.DataFrame(
        {
            "segment_name": ["Many", "Rich"],
            "mean_order_value": [50.0, 100.0],
            "total_spend": [28_000.0, 42_000.0],
            "total_profit": [7_000.0, 21_000.0],
        }
    )
    profile = pd.DataFrame(
        {"segment_name": ["Rich"], "feature": ["lifetime_value"], "mean": [90.0]}
    )
    channels = pd.DataFrame(
        {
            "segment_name": ["Many", "Many", "Rich"],
            "channel": ["e-mail", "sms", None],
            "contact_count": [500, 20, None],
            "contact_share": [5 / 7, 0.03, None],
            "answer": [CLICKED, CLICKED, None],
            "answer_share": [0.1, 0.1, None],
        }
    )
    return Known(sizes, profile, channels)


def collect(
    measures, known, *, campaigns: Campaigns | None = None, margin_share=None, **given
) -> pd.DataFrame:
    table = collect_decisions(
        measures,
        known,
        targeting=Targeting(**given),
        campaigns=campaigns or Campaigns(),
        margin_share=margin_share,
    )
    return table.set_index("segment_name")


def test_what_a_test_sees_and_a_contact_has_to_bring_by_hand(measures, known):
    found = collect(measures, known, contact_cost=0.5)
    many = found.loc["Many"]
    assert many["margin"] == 0.25
    assert many["mean_order_value"] == 50
    assert (many["channel"], many["contact_count"]) == ("e-mail", 500)
    assert many["control_count"] == 100  # a fifth
    share = (0.1 * 500 + 1) / 502
    error = np.sqrt(share * (1 - share) * (1 / 100 + 1 / 400))
    assert many["detectable_effect"] == pytest.approx((1.959964 + 0.841621) * error, rel=1e-5)
    assert many["break_even_spend"] == 2  # .50 at a margin of a quarter
    assert many["break_even_share"] == pytest.approx(0.04)
    assert not many["shows_pay"]
    assert found.loc["Rich", "mean_lifetime_value"] == 90


def test_what_is_not_known_is_missing(measures, known):
    found = collect(measures, known)
    assert found["break_even_spend"].isna().all()
    assert found["control_needed"].isna().all()
    rich = found.loc["Rich"]
    for name in ("channel", "contact_count", "detectable_effect", "control_count", "shows_pay"):
        assert pd.isna(rich[name]), name
    assert pd.isna(found.loc["Many", "mean_lifetime_value"])


def test_the_plan_s_margin_and_control_group_go_before(measures, known):
    shares = {"segmented": 0.5, "control": 0.5}
    campaigns = Campaigns(shares=shares, primary="converted", smallest_effect=0.2)
    found = collect(measures, known, campaigns=campaigns, contact_cost=0.5, margin_share=0.5)
    assert found["margin"].tolist() == [0.5, 0.5]
    assert found.loc["Many", "control_count"] == 250
    assert 0 < found.loc["Many", "control_needed"] < 250


def test_an_effect_in_money_needs_no_control_group_of_shares(measures, known):
    campaigns = Campaigns(primary="spend", smallest_effect=2.0)
    assert collect(measures, known, campaigns=campaigns)["control_needed"].isna().all()


@pytest.mark.parametrize("profit", [-100.0, 0.0, np.nan])
def test_without_a_profit_no_margin_is_made_up(measures, known, profit):
    sizes = known.sizes.assign(total_profit=profit)
    found = collect(measures, Known(sizes, known.profile, known.channels), contact_cost=1)
    assert found["margin"].isna().all()
    assert found["break_even_share"].isna().all()


def test_scores_by_hand_at_least_and_at_most(measures, known):
    table = collect(measures, known).reset_index()
    weights = {"attractiveness": 2, "fit": 1, "channel": 1}
    found = rank_segments(table, CRITERIA, Targeting(weights=weights)).set_index("segment_name")
    # Many: 2/3, (1 + 1)/2, 1. Rich: 1, (2/3 + ?)/2 and ?: consent and channel are not known.
    assert found.loc["Many", "score_low"] == pytest.approx((2 * 2 / 3 + 1 + 1) / 4)
    assert found.loc["Many", "score_high"] == found.loc["Many", "score_low"]
    assert found.loc["Rich", "score_low"] == pytest.approx((2 + 1 / 3 + 0) / 4)
    assert found.loc["Rich", "score_high"] == pytest.approx((2 + 5 / 6 + 1) / 4)
    assert found["place"].to_dict() == {"Many": 1, "Rich": 2}
    assert found.loc["Many", "unknown"] == ""
    assert found.loc["Rich", "unknown"] == "consent_share, channel"


def test_what_is_known_of_nobody_changes_no_order_but_opens_the_range(measures, known):
    table = collect(measures, known).reset_index()
    few = {"attractiveness": 2.0, "fit": 1.0}
    without = rank_segments(table, CRITERIA, Targeting(weights=few))
    found = rank_segments(table, CRITERIA, Targeting(weights=few | {"pay": 3.0}))
    assert found["segment_name"].tolist() == without["segment_name"].tolist()
    assert (found["score_high"] - found["score_low"] >= 0.5 - 1e-9).all()


def test_how_often_the_first_stays_first_is_counted_over_all_weightings(measures):
    table = measures.assign(contact_share=np.nan, detectable_effect=np.nan, break_even_share=np.nan)
    criteria = Criteria(attractiveness={"value_share": 1}, fit={"reach": 1})
    weights = {"attractiveness": 1, "fit": 1}
    found = rank_segments(table, criteria, Targeting(weights=weights)).set_index("segment_name")
    # Many has 2/3 and 1, Rich has 1 and 2/3: of nine weightings three tie, three are each one's.
    assert found["first_share"].tolist() == pytest.approx([0.5, 0.5])
    assert found["place"].tolist() == [1, 1]
    weights = {"attractiveness": 4, "fit": 1}
    found = rank_segments(table, criteria, Targeting(weights=weights)).set_index("segment_name")
    assert found.loc["Rich", "first_share"] == 1


def test_no_segment_and_one_segment(measures, known):
    table = collect(measures, known).reset_index()
    assert rank_segments(table.iloc[:0], CRITERIA, Targeting()).empty
    one = rank_segments(table.iloc[:1], CRITERIA, Targeting())
    assert one["first_share"].tolist() == [1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"weights": {"pay": 0}}, "add up to nothing"),
        ({"weights": {"reach": 1}}, "attractiveness"),
        ({"weights": {"pay": -1}}, "greater than or equal to 0"),
        ({"contact_cost": -0.1}, "greater than or equal to 0"),
        ({"contact_cost": float("inf")}, "finite"),
        ({"most_messages": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_weighed_or_paid_is_refused(given, told):
    with pytest.raises(ValidationError, match=told):
        Targeting(**given)


class TestChannels:
    """Which channel is the best of a segment."""

    @pytest.fixture
    def contacts(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "segment_name": "Many",
                "channel": ["e-mail", "sms", "web"],
                "is_sent": [True, True, False],
                "contact_count": [500, 200, 650],
                "contact_share": [0.5, 0.2, 0.65],
            }
        )

    def answers(self, answer, shares, lows) -> pd.DataFrame:
        table = pd.DataFrame({"channel": ["e-mail", "sms"], "share": shares, "share_low": lows})
        return table.assign(segment_name="Many", answer=answer)

    def test_it_has_most_answers_to_be_had_and_is_one_that_messages_go_out_by(self, contacts):
        clicked = self.answers(CLICKED, [0.1, 0.4], [0.08, 0.3])
        found = choose_channels(contacts, clicked)
        assert found["channel"].tolist() == ["sms", "e-mail"]  # 200 x .30 against 500 x .08
        assert found["answer_share"].tolist() == [0.4, 0.1]

    def test_the_answer_nearest_to_an_order_counts_if_it_is_known_of_all(self, contacts):
        clicked = self.answers(CLICKED, [0.1, 0.4], [0.08, 0.3])
        bought = self.answers(CONVERTED, [0.1, 0.1], [0.05, 0.05])
        found = choose_channels(contacts, pd.concat([clicked, bought]))
        assert found["channel"].tolist() == ["e-mail", "sms"]
        bought.loc[1, ["share", "share_low"]] = np.nan
        found = choose_channels(contacts, pd.concat([clicked, bought]))
        assert found["answer"].tolist() == [CLICKED, CLICKED]

    def test_without_answers_it_is_the_one_with_most_who_may_be_contacted(self, contacts):
        found = choose_channels(contacts, pd.DataFrame())
        assert found["channel"].tolist() == ["e-mail", "sms"]
        assert found["answer_share"].isna().all()

    def test_where_no_message_goes_out_there_is_none(self, contacts):
        assert choose_channels(contacts.assign(is_sent=False), pd.DataFrame()).empty


def test_every_figure_of_the_matrix_can_be_worked_out_again_from_what_is_published(measures, known):
    table = collect(measures, known, contact_cost=0.5).reset_index()
    ranked = rank_segments(table, CRITERIA, Targeting(contact_cost=0.5))
    shown = publish(report.word_unknown(ranked), report.DECISIONS).frame
    spend = 0.5 / shown["margin"]
    assert np.allclose(shown["break_even_spend"], spend)
    assert np.allclose(shown["break_even_share"], spend / shown["mean_order_value"])
    many = shown[shown["segment_name"] == "Many"].iloc[0]
    assert many["contact_share"] == pytest.approx(many["contact_count"] / many["customer_count"])
    again = rank_segments(shown, CRITERIA, Targeting(contact_cost=0.5))
    assert np.allclose(again["score_low"], shown["score_low"])
    assert np.allclose(again["first_share"], shown["first_share"])


class TestSentences:
    """What is said of the matrix."""

    def publish(self, measures, known, **given):
        table = collect(measures, known, **given).reset_index()
        ranked = rank_segments(table, CRITERIA, Targeting(**given))
        return publish(report.word_unknown(ranked), report.DECISIONS)

    def test_first_range_sensitivity_and_what_is_not_known(self, measures, known):
        told = read_texts(report.state_decisions(self.publish(measures, known)))
        assert told[0].startswith("“Many” comes first by all that decides (700 customers)")
        assert "its score lies between 0." in told[0]
        assert told[1] == "By what is not known, “Rich” could come before it."
        assert "consent" in told[2]
        assert "500 customers may be contacted by e-mail" in told[3]
        assert told[-1].startswith("What a contact has to bring is not known")

    def test_a_test_that_is_too_small_to_see_what_pays_says_so(self, measures, known):
        told = read_texts(report.state_decisions(self.publish(measures, known, contact_cost=0.5)))
        (text,) = [text for text in told if "too small to see that" in text]
        assert "net spend of EUR\xa02.00" in text.replace("\u202f", "\xa0"), text

    def test_how_many_tests_see_what_pays_is_said_once_for_all(self, measures, known):
        channels = known.channels.assign(
            contact_count=[500, 20, 200], contact_share=0.5, answer_share=0.1, channel="e-mail"
        )
        both = Known(known.sizes, known.profile, channels)
        told = read_texts(report.state_decisions(self.publish(measures, both, contact_cost=0.5)))
        assert sum("back by lot" in text for text in told) == 1
        assert told[-1].startswith(
            "Of 2 segments of which that can be worked out, 0 can have a test"
        )

    def test_nothing_is_said_of_a_segment_that_is_too_small(self, measures, known):
        few = measures.assign(customer_count=[700, 4])
        published = self.publish(few, known)
        told = " ".join(read_texts(report.state_decisions(published)))
        assert "Rich" not in told
        own = published.frame[published.frame["segment_name"] == "Rich"]
        assert (
            own[["score_low", "score_high", "first_share", "customer_count"]].isna().all(axis=None)
        )

    def test_segments_that_may_not_be_shown_are_named_as_left_out(self, measures, known):
        names = ["Many", "Rich", "Small"]
        sizes = pd.DataFrame({"segment_name": names, "customer_count": [700, 300, 4]})
        shown = publish(sizes, View(Shape("sizes", by=("segment_name",))))
        told = read_texts(report.state_decisions(self.publish(measures, known), sizes=shown))
        assert "Left out of the order: “Small”, whose figures may not be shown." in told

    def test_where_two_share_the_first_place_none_comes_first(self, measures, known):
        alike = measures.assign(value_share=0.5, reach=0.5, consent_share=0.5)
        none = Known(known.sizes, known.profile, known.channels.iloc[:0])
        told = read_texts(report.state_decisions(self.publish(alike, none)))
        assert told[0].startswith("No segment comes first")
