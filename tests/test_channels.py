"""Segments by channels, counted by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.action.channel_answers import (
    CLICKED,
    CONVERTED,
    OPENED,
    SUMS,
    compare_answers,
    compare_sums,
)
from segkit.action.channels import (
    MAY_CONTACT,
    MAY_NOT,
    MOST_CHANNELS,
    NOT_ASKED,
    NOT_REACHED,
    ORDERED,
    OTHERS,
    count_channels,
    list_contacts,
)
from segkit.core.absence import EmptyTable
from segkit.core.settings import Settings
from segkit.evidence.experience.messages import read_messages
from segkit.report import channels as report

AT = Settings(as_of=datetime.date(2026, 6, 30), random_state=7, smallest_cell=1, currency="EUR")
DAY = pd.Timestamp("2026-06-01")


@pytest.fixture
def segments() -> pd.DataFrame:
    ids = list("abcdef")
    return pd.DataFrame({"customer_id": ids, "segment_name": ["One"] * 3 + ["Two"] * 3})


def make_shop() -> dict[str, ibis.Table]:
    customers = pd.DataFrame(
        {
            "customer_id": list("abcdef"),
            "email": ["a@x", "b@x", None, "d@x", "none", None],
            "consent": [True, False, True, True, None, True],
        }
    ).astype({"consent": "boolean"})
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "c", "f", "b"],
            "channel": ["Web", " web", "web", "store", "store"],
            "ordered_at": [DAY, DAY, DAY, DAY, pd.Timestamp("2026-07-02")],
        }
    )
    messages = pd.DataFrame(
        {
            "customer_id": ["a", "d", "d", "c"],
            "sent_at": [DAY, DAY, DAY + pd.Timedelta(days=1), DAY],
            "channel": ["email", "E-mail", "e-mail", "sms"],
            "opened": [True, True, False, False],
            "clicked": [False, True, False, False],
            "converted": [True, False, False, False],
            "unsubscribed": [False, True, False, False],
        }
    )
    tables = {"customers": customers, "orders": orders, "messages": messages}
    return {name: ibis.memtable(table) for name, table in tables.items()}


def count(shop, segments, *, consent_column="consent"):
    messages = read_messages(shop.get("messages"), as_of=AT.as_of)
    return count_channels(shop, segments, messages=messages, consent_column=consent_column, at=AT)


def find(table, channel, answer) -> dict[str, int]:
    rows = table[(table["channel"] == channel) & (table["answer"] == answer)]
    return dict(zip(rows["segment_name"], rows["customer_count"], strict=True))


def test_reach_consent_and_orders_by_hand(segments):
    found = count(make_shop(), segments)
    # a and b have an address, c has none; b said no; d said yes and unsubscribed; e's is none.
    assert find(found, "e-mail", MAY_CONTACT) == {"One": 1, "Two": 0}
    assert find(found, "e-mail", MAY_NOT) == {"One": 1, "Two": 1}
    assert find(found, "e-mail", NOT_REACHED) == {"One": 1, "Two": 2}
    # Spelt with a blank and a capital it is one channel; who once got an sms is reached there.
    assert find(found, "web", ORDERED) == {"One": 2, "Two": 0}
    assert find(found, "sms", MAY_CONTACT) == {"One": 1, "Two": 0}
    # b's order lies after the last day counted.
    assert find(found, "store", ORDERED) == {"One": 0, "Two": 1}
    own = found[(found["channel"] == "web") & (found["answer"] == ORDERED)].iloc[0]
    assert own["share"] == pytest.approx(2 / 3)
    assert own["base_share"] == pytest.approx(2 / 6)
    assert own["index"] == pytest.approx(200)
    assert own["difference"] == pytest.approx(2 / 3)
    assert dict(zip(found["channel"], found["is_sent"], strict=True)) == {
        "e-mail": True,
        "sms": True,
        "store": False,
        "web": False,
    }


def test_the_answers_of_a_channel_add_up_to_the_segment(segments):
    found = count(make_shop(), segments)
    added = found.groupby(["what", "channel", "segment_name"])["customer_count"].sum()
    assert (added == 3).all()
    assert (found["customer_count"] >= 0).all()


def test_where_the_plan_asks_for_no_consent_all_who_are_reached_may_be_contacted(segments):
    found = count(make_shop(), segments, consent_column=None)
    assert find(found, "e-mail", MAY_CONTACT) == {"One": 2, "Two": 0}  # d unsubscribed


def test_consent_that_nobody_recorded_is_not_taken_for_a_yes(segments):
    shop = make_shop()
    shop["customers"] = shop["customers"].drop("consent")
    found = count(shop, segments)
    assert find(found, "e-mail", NOT_ASKED) == {"One": 2, "Two": 1}
    assert not (found["answer"] == MAY_CONTACT).any()
    assert list_contacts(found).empty


def test_without_addresses_who_got_a_message_is_reached_by_e_mail(segments):
    shop = make_shop()
    shop["customers"] = shop["customers"].drop("email")
    found = count(shop, segments)
    assert find(found, "e-mail", NOT_REACHED) == {"One": 2, "Two": 2}


@pytest.mark.parametrize("kept", [(), ("customers",), ("orders",)])
def test_without_tables_or_channels_it_is_empty_and_says_why(segments, kept):
    shop = {name: make_shop()[name] for name in kept}
    if "customers" in shop:
        shop["customers"] = shop["customers"].drop("email")
    if "orders" in shop:
        shop["orders"] = shop["orders"].drop("channel")
    found = count(shop, segments)
    assert isinstance(found, EmptyTable)
    assert "channel" in found.reason
    assert list_contacts(found).empty
    published = publish(found, report.CHANNELS)
    answers = publish(compare_answers(None, segments), report.ANSWERS)
    assert len(report.state_channels(published, answers)) == 1
    assert report.keep_telling(published).empty
    assert report.keep_contacts(published).empty


def test_channels_beyond_the_largest_are_counted_together(segments):
    names = [f"c{number}" for number in range(MOST_CHANNELS + 3)]
    orders = pd.DataFrame({"customer_id": "a", "channel": names, "ordered_at": DAY})
    found = count({"orders": ibis.memtable(orders)}, segments, consent_column=None)
    assert found["channel"].nunique() == MOST_CHANNELS
    assert find(found, OTHERS, ORDERED) == {"One": 1, "Two": 0}


def test_a_channel_of_too_few_customers_is_not_named(segments):
    shop = {"orders": make_shop()["orders"], "messages": make_shop()["messages"]}
    at = replace(AT, smallest_cell=2)
    messages = read_messages(shop["messages"], as_of=AT.as_of)
    found = count_channels(shop, segments, messages=messages, consent_column=None, at=at)
    assert set(found["channel"]) == {"e-mail", "web"}  # one customer has an sms, one a store
    answers = compare_answers(messages, segments, smallest_cell=2)
    assert set(answers["channel"]) == {"e-mail"}
    assert compare_answers(messages, segments, smallest_cell=9).empty


def test_what_was_sent_back_is_no_order(segments):
    lines = pd.DataFrame({"customer_id": ["a", "d"], "channel": "web", "ordered_at": DAY})
    lines["quantity"] = [1, -1]
    found = count({"order_lines": ibis.memtable(lines)}, segments, consent_column=None)
    assert find(found, "web", ORDERED) == {"One": 1, "Two": 0}


def test_answers_by_hand(segments):
    messages = read_messages(make_shop()["messages"], as_of=AT.as_of)
    found = compare_answers(messages, segments).set_index(["answer", "channel", "segment_name"])
    assert found.loc[(OPENED, "e-mail", "One"), "share"] == 1
    assert found.loc[(OPENED, "e-mail", "Two"), "share"] == 0.5
    assert found.loc[(OPENED, "e-mail", "Two"), "base_share"] == pytest.approx(2 / 3)
    assert found.loc[(CLICKED, "e-mail", "Two"), "difference"] == pytest.approx(0.5)
    assert found.loc[(CONVERTED, "e-mail", "One"), "share"] == 1
    assert found.loc[(OPENED, "sms", "One"), "delivered_count"] == 1
    assert np.isnan(found.loc[(OPENED, "sms", "One"), "difference"])  # there are no others


def test_few_who_answered_are_hidden_and_the_next_smallest_too():
    ids = [f"k{number}" for number in range(60)]
    segments = pd.DataFrame({"customer_id": ids, "segment_name": np.repeat(["A", "B", "C"], 20)})
    rows = pd.DataFrame({"customer_id": ids, "sent_at": DAY, "channel": "e-mail"})
    rows["clicked"] = [*([True] * 2 + [False] * 18), *([True] * 8 + [False] * 12), *[True] * 20]
    messages = read_messages(ibis.memtable(rows), as_of=AT.as_of)
    found = compare_answers(messages, segments, smallest_cell=5).set_index("segment_name")
    assert found["share"].isna().to_dict() == {"A": True, "B": True, "C": False}


def draw_comparison(rng, *, rises: float) -> pd.DataFrame:
    """Draw messages of three hundred customers, each of whom is alike in all of theirs."""
    habit = rng.beta(1, 3, 300)
    habit[:100] = np.clip(habit[:100] + rises, 0, 1)
    trials = rng.integers(1, 12, 300)
    hits = rng.binomial(trials, habit)
    each = pd.DataFrame({"segment_name": np.repeat(["A", "B", "C"], 100), "clusters": 1})
    each = each.assign(hits=hits, trials=trials, hit_squares=hits**2, products=hits * trials)
    each = each.assign(trial_squares=trials**2, people=(hits > 0).astype(int), most=trials)
    sums = each.groupby("segment_name", as_index=False).sum()
    return compare_sums(sums.astype(dict.fromkeys(SUMS, float)), 1)


def test_segments_that_are_alike_are_seldom_set_apart_though_customers_repeat():
    rng = np.random.default_rng(3)
    least = np.array([draw_comparison(rng, rises=0.0)["p_value"].min() for _ in range(60)])
    wrong = (3 * least < 0.05).sum()  # Holm's first step
    assert wrong <= 7  # of 60 at 5 %, more than seven come by chance once in a hundred
    assert draw_comparison(rng, rises=0.3)["p_value"].iloc[0] < 0.001


class TestSentences:
    """What is said of channels."""

    def publish_both(self, segments):
        found = count(make_shop(), segments).assign(set_apart=True)
        for column in ("customer_count", "segment_count"):
            found[column] = found[column] * 20
        return publish(found, report.CHANNELS)

    def test_the_segment_furthest_above_is_told_with_interval_and_count(self, segments):
        answers = publish(compare_answers(None, segments), report.ANSWERS)
        told = report.state_channels(self.publish_both(segments), answers)
        text = next(text for text in read_texts(told) if "ordered in the channel “web”" in text)
        assert text.startswith("Of “One”, 66.7% ordered in the channel “web” (")
        assert "n = 60" in text
        assert "against 33.3% of all: +66.7 points" in text

    def test_a_picture_of_those_nobody_asked_does_not_say_that_they_may_be_contacted(
        self, segments
    ):
        shop = make_shop()
        shop["customers"] = shop["customers"].drop("consent")
        published = publish(count(shop, segments), report.CHANNELS, smallest_cell=1)
        contacts = report.keep_contacts(published)
        assert "is reached, by channel; consent is not recorded" in report.name_contacts(contacts)
        title = report.plot_channels(contacts).figure.get_suptitle()
        assert title == "Who is reached, by channel; consent not recorded"
        asked = report.keep_contacts(self.publish_both(segments))
        assert report.plot_channels(asked).figure.get_suptitle().startswith("Who may be contacted")
        assert "may be contacted" in report.name_contacts(asked)

    def test_no_sentence_speaks_of_causes(self, segments):
        answers = publish(compare_answers(None, segments), report.ANSWERS)
        told = " ".join(read_texts(report.state_channels(self.publish_both(segments), answers)))
        assert not {"because", "due to", "leads to", "effect of"} & set(told.split())

    def test_what_is_left_of_a_segment_is_not_listed(self, segments):
        shown = report.keep_telling(self.publish_both(segments)).frame
        assert set(shown["answer"]) == {MAY_CONTACT, ORDERED}


def test_no_small_count_is_told_by_what_remains_of_a_segment(segments):
    """Those not reached are a count as well: 98 of 100 reached would tell of two."""
    names = np.repeat(["A", "B"], 100)
    ids = [f"k{number}" for number in range(200)]
    segments = pd.DataFrame({"customer_id": ids, "segment_name": names})
    orders = pd.DataFrame({"customer_id": ids, "channel": "web", "ordered_at": DAY})
    orders = orders.drop([0, 1, *range(100, 140)])
    found = count({"orders": ibis.memtable(orders)}, segments, consent_column=None)
    shown = publish(found, report.CHANNELS).frame
    own = shown[(shown["segment_name"] == "A") & (shown["answer"] == ORDERED)]
    assert own["customer_count"].isna().all()
    assert own["share"].isna().all()
