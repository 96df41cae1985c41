"""Messages counted once, by customers' intervals; steps of visits that are counted, not filled."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.core.measures import find_dominated
from segkit.core.settings import Settings
from segkit.evidence.experience import message_shares, messages, site, wallet
from segkit.evidence.experience.engagement import (
    summarise_events_by_segment,
    summarise_messages_by_segment,
)
from segkit.plan.wallet import Wallet
from segkit.report import answers_and_visits
from segkit.report import engagement as shown
from segkit.report import wallet as shown_wallet

AS_OF = datetime.date(2026, 6, 30)
SENT = pd.Timestamp("2026-06-01 09:00")
SEGMENTS = pd.DataFrame({"customer_id": list("abcd"), "segment_name": ["A", "A", "B", "B"]})
SETTINGS = Settings(AS_OF, smallest_cell=5)


def make_messages(rows: list[dict]) -> ibis.Table:
    """Return messages that were sent on 1 June, e-mail of one campaign, unless a row says else."""
    usual = {"campaign_id": "June", "sent_at": SENT, "arm": "segmented", "bounced": False}
    usual |= {"opened": False, "clicked": False, "unsubscribed": False, "reported_spam": False}
    frame = pd.DataFrame([usual | row for row in rows])
    return ibis.duckdb.connect().create_table("messages", frame)


def read_one(rows: list[dict]) -> messages.Messages:
    return messages.read_messages(make_messages(rows), as_of=AS_OF)


def test_a_message_opened_three_times_is_one_message_opened():
    read = read_one(
        [
            {"customer_id": "a", "opened": True, "clicked": True, "open_count": 3},
            {"customer_id": "b", "opened": False, "open_count": 0},
        ]
    )
    table = message_shares.summarise_messages(read).iloc[0]
    assert table["open_share"] == 0.5, "unique"
    assert table["opens_per_opened"] == 3, "total"
    assert table["click_to_open_share"] == 1
    assert np.isnan(table["clicks_per_clicked"]), "no column says how often"
    stages = messages.count_message_stages(read).set_index("stage")
    assert stages.loc["opened", ["message_count", "total_count"]].tolist() == [1, 3]


def test_rows_that_repeat_a_message_count_once_and_are_counted():
    rows = [{"customer_id": "a", "opened": False}, {"customer_id": "a", "opened": True}]
    rows += [{"customer_id": "a", "sent_at": SENT + pd.Timedelta(days=1)}]
    read = read_one(rows)
    assert read.repeat_count == 1
    table = message_shares.summarise_messages(read).iloc[0]
    assert table["delivered_count"] == 2
    assert table["open_share"] == 0.5


def test_messages_with_a_number_are_told_apart_by_it():
    numbers = ["m1", "m1", "m2", None, None]
    rows = [{"customer_id": "a", "message_id": number} for number in numbers]
    read = read_one(rows)
    # m1, m2 and one without a number, for the two without are alike.
    assert read.repeat_count == 2
    assert message_shares.summarise_messages(read)["delivered_count"].tolist() == [3]


def test_a_machine_s_open_is_nobody_s_unless_it_was_clicked():
    soon, late = SENT + pd.Timedelta(seconds=3), SENT + pd.Timedelta(hours=3)
    rows = [
        {"customer_id": "a", "opened": True, "opened_at": soon},
        {"customer_id": "b", "opened": True, "opened_at": soon, "clicked": True},
        {"customer_id": "c", "opened": True, "opened_at": late},
        {"customer_id": "d", "opened": False, "opened_at": None},
    ]
    table = message_shares.summarise_messages(read_one(rows)).iloc[0]
    assert table["open_share"] == 0.75
    assert table["human_open_share"] == 0.5
    flagged = [{"customer_id": "a", "opened": True, "machine_open": True}]
    assert message_shares.summarise_messages(read_one(flagged))["human_open_share"].iloc[0] == 0


def test_without_a_column_that_tells_opens_are_called_an_upper_bound():
    rows = [{"customer_id": f"c{n}", "opened": n % 2 == 0} for n in range(40)]
    read = read_one(rows)
    assert message_shares.summarise_messages(read)["human_open_share"].isna().all()
    stages = publish(messages.count_message_stages(read), shown.STAGES)
    texts = " ".join(read_texts(shown.state_stages(stages)))
    assert "cannot be told which a machine opened" in texts
    assert "upper bound" in texts


def test_control_groups_bounces_and_later_messages_do_not_count_as_delivered():
    rows = [
        {"customer_id": "a"},
        {"customer_id": "b", "bounced": True},
        {"customer_id": "c", "arm": "control", "bounced": None},
        {"customer_id": "d", "sent_at": pd.Timestamp("2026-07-01 08:00")},
    ]
    table = message_shares.summarise_messages(read_one(rows)).iloc[0]
    assert table[["sent_count", "delivered_count"]].tolist() == [2, 1]
    assert table["bounce_share"] == 0.5


def test_ten_messages_of_a_customer_are_no_ten_customers():
    rows = [
        {"customer_id": f"c{n}", "opened": n < 6, "sent_at": SENT + pd.Timedelta(days=k)}
        for n in range(12)
        for k in range(10)
    ]
    segments = pd.DataFrame({"customer_id": [f"c{n}" for n in range(12)], "segment_name": "A"})
    table = summarise_messages_by_segment(make_messages(rows), segments, as_of=AS_OF).iloc[0]
    width = table["open_high"] - table["open_low"]
    assert table["open_share"] == 0.5
    assert width > 0.45, "of 120 independent messages it would be .18"


def test_by_campaign_and_month_the_engine_and_the_customers_at_hand_agree():
    rng = np.random.default_rng(0)
    rows = [
        {
            "customer_id": f"c{rng.integers(40)}",
            "opened": bool(rng.random() < 0.4),
            "campaign_id": "one",
            "sent_at": SENT + pd.Timedelta(minutes=n),
        }
        for n in range(400)
    ]
    read = read_one(rows)
    overall = message_shares.summarise_messages(read).iloc[0]
    for by in ("campaign_id", "month"):
        table = message_shares.summarise_messages(read, by=[by]).iloc[0]
        for name in ("delivered_count", "open_share", "open_low", "open_high"):
            assert table[name] == pytest.approx(overall[name]), (by, name)


def test_a_rare_answer_of_few_is_hidden_with_the_next_smallest():
    rows = []
    for segment, spam in (("A", 2), ("B", 9), ("C", 20)):
        rows += [{"customer_id": f"{segment}{n}", "reported_spam": n < spam} for n in range(60)]
    segments = pd.DataFrame({"customer_id": [row["customer_id"] for row in rows]})
    segments["segment_name"] = segments["customer_id"].str[0]
    table = summarise_messages_by_segment(
        make_messages(rows), segments, as_of=AS_OF, smallest_cell=5
    ).set_index("segment_name")
    assert table["spam_share"].isna().to_dict() == {"A": True, "B": True, "C": False}


def test_levels_are_not_called_effects():
    rows = []
    for segment, opened in (("A", 10), ("B", 50)):
        rows += [{"customer_id": f"{segment}{n}", "opened": n < opened} for n in range(60)]
    segments = pd.DataFrame({"customer_id": [row["customer_id"] for row in rows]})
    segments["segment_name"] = segments["customer_id"].str[0]
    table = summarise_messages_by_segment(make_messages(rows), segments, as_of=AS_OF)
    texts = read_texts(shown.state_messages(publish(table, shown.MESSAGES)))
    assert any("so their levels differ" in text for text in texts)
    assert any("does not say what a message does" in text for text in texts)


def test_without_messages_a_section_is_one_line():
    listed = answers_and_visits.list_messages(None, SEGMENTS, at=SETTINGS)
    exhibits = answers_and_visits.lay_out_messages([publish(*one) for one in listed], None)
    assert len(exhibits) == 1
    assert read_texts(exhibits[0].thing) == ["There is no table of messages."]
    listed = answers_and_visits.list_visits(None, SEGMENTS, at=SETTINGS)
    assert len(answers_and_visits.lay_out_visits([publish(*one) for one in listed])) == 1


def test_messages_with_customers_alone_say_what_they_can():
    table = ibis.memtable(pd.DataFrame({"customer_id": ["a", "a", "b"]}))
    read = messages.read_messages(table, as_of=AS_OF)
    found = message_shares.summarise_messages(read).iloc[0]
    assert found["delivered_count"] == 3
    assert np.isnan(found["open_share"])
    by_campaign = message_shares.summarise_messages(read, by=["campaign_id"])
    assert "no column for the campaign_id" in explain_empty(by_campaign)


def test_messages_of_which_nothing_more_is_known_compare_no_levels():
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(40)]})
    segments = rows.assign(segment_name="A")
    table = summarise_messages_by_segment(ibis.memtable(rows), segments, as_of=AS_OF)
    texts = read_texts(shown.state_messages(publish(table, shown.MESSAGES)))
    assert len(texts) == 1
    assert "columns such as opened" in texts[0]


# The site.


def make_events(rows: list[tuple]) -> ibis.Table:
    columns = ["customer_id", "session_id", "event_type", "device"]
    frame = pd.DataFrame(rows, columns=columns).assign(occurred_at=SENT)
    return ibis.duckdb.connect().create_table("events", frame)


VISITS = [
    ("a", "s1", "view", "mobile"),
    ("a", "s1", "cart", "mobile"),
    ("a", "s2", "visit", "mobile"),
    ("c", "s3", "view", "desktop"),
    (None, "s4", "view", "desktop"),
]


def test_a_step_counts_the_visits_in_which_it_was_recorded():
    table = site.summarise_visits(make_events(VISITS), SEGMENTS, as_of=AS_OF)
    table = table.set_index("segment_name")
    assert table.loc["A", ["visitor_count", "visit_count"]].tolist() == [1, 2]
    assert table.loc["A", "view_share"] == 0.5
    assert table.loc["B", "cart_share"] == 0, "carts are recorded, and here there was none"


def test_a_step_that_no_event_names_is_missing_and_not_filled_from_orders():
    table = site.summarise_visits(make_events(VISITS), SEGMENTS, as_of=AS_OF)
    assert table["checkout_share"].isna().all()
    assert site.list_missing_steps(table) == ["checkout", "order"]
    told = read_texts(shown.state_missing_steps(site.list_missing_steps(table)))
    assert told == [
        "No event names the step “checkout” and “order”: it is not known, and nothing is put in "
        "its place."
    ]
    events = summarise_events_by_segment(make_events(VISITS), SEGMENTS, as_of=AS_OF)
    assert events["checkouts_per_customer"].isna().all()
    assert events["signups_per_customer"].isna().all(), "nobody recorded sign-ups: not none"
    assert events.set_index("segment_name").loc["B", "carts_per_customer"] == 0


def test_by_device_visits_of_nobody_known_count_as_well():
    table = site.summarise_visits(make_events(VISITS), by="device", as_of=AS_OF)
    table = table.set_index("device")
    assert table.loc["desktop", ["visitor_count", "visit_count"]].tolist() == [2, 2]
    missing = site.summarise_visits(make_events(VISITS), by="source", as_of=AS_OF)
    assert "no column of the source" in explain_empty(missing)


def test_the_visitor_of_nearly_all_visits_is_known_to_the_gate():
    rows = [("a", f"s{i}", "view", "mobile") for i in range(50)]
    rows += [(f"m{i}", f"t{i}", "view", "mobile") for i in range(4)]
    rows += [(f"d{i}", f"u{i}", "view", "desktop") for i in range(9)]
    table = site.summarise_visits(make_events(rows), by="device", as_of=AS_OF).set_index("device")
    parts = table[["visit_count", "visit_count_largest", "visit_count_second"]]
    assert find_dominated(*parts.to_numpy(float).T).tolist() == [False, True]


def test_without_sessions_a_visit_is_a_customer_s_day():
    events = make_events(VISITS).drop("session_id")
    table = site.summarise_visits(events, SEGMENTS, as_of=AS_OF).set_index("segment_name")
    assert table.loc["A", ["visit_count", "view_share", "cart_share"]].tolist() == [1, 1, 1]


# The stated wallet.

ASKED = Wallet(question="With us?", competitor_questions={"Rival": "With Rival?"})


def make_answers(rows: list[tuple]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer"])
    return ibis.duckdb.connect().create_table("responses", frame)


ANSWERS = [
    ("a", "With us?", "60 %"),
    ("a", "With Rival?", "30"),
    ("b", "With us?", "20"),
    ("b", "With Rival?", "40,0"),
    ("c", "With us?", "50"),
    ("d", "With us?", "80"),
    ("d", "With Rival?", "70"),
]


def test_a_wallet_is_what_those_say_who_answered_all():
    wallets = wallet.read_wallets(make_answers(ANSWERS), SEGMENTS, wallet=ASKED, as_of=AS_OF)
    assert wallets["state"].tolist() == [
        wallet.COMPLETE,
        wallet.COMPLETE,
        wallet.INCOMPLETE,
        wallet.WRONG,
    ], "80 and 70 percent are more than all"
    table = wallet.estimate_stated_wallet(wallets)
    shares = table[table["segment_name"] == "A"].set_index("place")["wallet_share"]
    assert shares.round(3).to_dict() == {"us": 0.4, "Rival": 0.35, "elsewhere": 0.25}
    assert table.set_index(["segment_name", "place"]).loc[("B", "us"), "customer_count"] == 0


def test_amounts_are_a_share_of_the_sums():
    asked = Wallet(question="With us?", competitor_questions={"Rival": "With Rival?"}, unit="money")
    rows = [("a", "With us?", "100"), ("a", "With Rival?", "0")]
    rows += [("b", "With us?", "0"), ("b", "With Rival?", "300")]
    wallets = wallet.read_wallets(make_answers(rows), SEGMENTS, wallet=asked, as_of=AS_OF)
    table = wallet.estimate_stated_wallet(wallets, is_money=True)
    shares = table[table["segment_name"] == "A"].set_index("place")["wallet_share"]
    assert shares.to_dict() == {"us": 0.25, "Rival": 0.75}


def test_the_last_answer_counts_and_words_are_no_numbers():
    frame = make_answers([("a", "With us?", "10"), ("a", "With us?", "90"), ("b", "With us?", "?")])
    frame = frame.mutate(
        answered_at=ibis.ifelse(
            frame.answer == "10", ibis.date("2026-01-01"), ibis.date("2026-02-01")
        )
    )
    asked = Wallet(question="With us?")
    wallets = wallet.read_wallets(frame, SEGMENTS, wallet=asked, as_of=AS_OF)
    assert wallets["us"].tolist()[0] == 0.9
    assert wallets["state"].tolist()[1] == wallet.SILENT


def test_a_survey_is_told_with_who_did_not_answer():
    rows = []
    for number in range(60):
        share = 20 + number % 5 * 10
        rows += [(f"c{number}", "With us?", str(share)), (f"c{number}", "With Rival?", "10")]
    names = [f"c{n}" for n in range(100)]
    segments = pd.DataFrame({"customer_id": names, "segment_name": "A"})
    wallets = wallet.read_wallets(make_answers(rows), segments, wallet=ASKED, as_of=AS_OF)
    listed = shown_wallet.list_wallet(wallets, ASKED)
    exhibits = shown_wallet.lay_out_wallet([publish(*one) for one in listed])
    texts = read_texts(exhibits[-1].thing)
    assert "60 customers, 60.0% of those with a segment, answered all of the questions." in texts
    assert any("gave no number" in text for text in texts)
    assert any("40.0% (" in text and "with us" in text and "“Rival”" in text for text in texts)


def test_without_a_question_the_section_says_what_to_ask():
    wallets = wallet.read_wallets(None, SEGMENTS, wallet=Wallet(), as_of=AS_OF)
    listed = shown_wallet.list_wallet(wallets, Wallet())
    exhibits = shown_wallet.lay_out_wallet([publish(*one) for one in listed])
    assert len(exhibits) == 1
    assert "[wallet]" in read_texts(exhibits[0].thing)[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"competitor_questions": {"Rival": "With Rival?"}}, "question about us"),
        ({"question": "With us?", "unit": "money"}, "no wallet"),
        ({"question": "x", "competitor_questions": {"Rival": "x"}}, "named twice"),
        ({"question": "x", "competitor_questions": {"us": "y"}}, "our own share"),
    ],
)
def test_a_wallet_that_cannot_be_is_refused(given, words):
    with pytest.raises((ValueError, SegkitError), match=words):
        Wallet(**given)
