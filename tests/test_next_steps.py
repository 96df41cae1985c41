"""One page for stakeholders: for each segment one next step, how it is measured, what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from published import publish

from segkit.action.next_steps import choose_next_steps
from segkit.core.findings import ABSENCE, Finding
from segkit.core.privacy import Published, Shape
from segkit.report.next_steps import (
    Known,
    lay_out_next_steps,
    list_unknown,
    state_measuring,
    state_next_steps,
)
from segkit.report.plays import PARTS
from segkit.report.shared.finding_rules.said import Said
from segkit.report.shared.finding_rules.sentences import RULES
from segkit.report.shared.views import View
from segkit.report.sizes import SIZES

NO_PLAY = "In no play"
NAMES = pd.DataFrame({"segment_name": ["A", "B", "C"]})


def make_parts(rows: list[tuple]) -> pd.DataFrame:
    columns = ["segment_name", "play", "customer_count", "expected_total"]
    return pd.DataFrame(rows, columns=columns)


def make_messages(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["segment_name", "message", "place"])


def read_choice(parts: pd.DataFrame, messages: pd.DataFrame) -> list[list[str]]:
    steps = choose_next_steps(NAMES, parts, messages, no_play=NO_PLAY)
    return steps[["kind", "play", "message"]].to_numpy().tolist()


def test_the_list_that_brought_most_goes_before_the_largest_and_before_messages():
    parts = make_parts(
        [
            ("A", "Call", 90, np.nan),
            ("A", "Reward", 20, 50.0),
            ("A", "Win back", 10, 80.0),
            ("A", NO_PLAY, 400, 9000.0),
            ("B", "Call", 20, np.nan),
            ("B", "Win back", 30, np.nan),
            ("C", NO_PLAY, 50, np.nan),
            ("C", "Call", np.nan, np.nan),
        ]
    )
    messages = make_messages(("A", "thanks", 1), ("C", "hello", 2), ("C", "welcome", 1))
    assert read_choice(parts, messages) == [
        ["play", "Win back", ""],
        ["play", "Win back", ""],
        ["message", "", "welcome"],
    ]


def test_without_lists_and_messages_there_is_no_step():
    assert read_choice(make_parts([]), make_messages()) == [["nothing", "", ""]] * 3


DECISIONS = View(Shape("decisions", population="facts", by=("segment_name",), count="fact_count"))
MESSAGES = View(Shape("messages_proposed", population="facts", within=("message",)))


@pytest.fixture
def known() -> Known:
    sizes = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C"],
            "customer_count": [400, 300, 200],
            "customer_share": [4 / 9, 3 / 9, 2 / 9],
        }
    )
    parts = make_parts(
        [
            ("A", "Win back", 100, 5000.0),
            ("A", NO_PLAY, 300, np.nan),
            ("B", NO_PLAY, 300, np.nan),
            ("C", NO_PLAY, 200, np.nan),
        ]
    ).assign(segment_count=[400, 400, 300, 200])
    messages = pd.DataFrame(
        {
            "segment_name": ["B"],
            "message": ["welcome"],
            "place": [1],
            "message_words": ["A welcome"],
            "goal": "greet",
        }
    )
    decisions = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C"],
            "contact_count": [200, 150, None],
            "control_count": [40, 30, None],
            "detectable_effect": [0.05, 0.06, None],
            "channel": ["e-mail", "e-mail", ""],
            "answer": ["opened", "opened", ""],
            "unknown": ["", "consent_share", "consent_share, channel"],
            "unknown_words": ["", "consent", "consent and a channel to send by"],
        }
    )
    return Known(
        publish(sizes, SIZES),
        publish(parts, PARTS),
        publish(messages, MESSAGES),
        publish(decisions, DECISIONS),
    )


def state(known: Known) -> tuple[dict[str, Finding], dict[str, Finding], Published]:
    steps = choose_next_steps(NAMES, known.parts.frame, known.messages.frame, no_play=NO_PLAY)
    told = state_next_steps(steps, known)
    measuring = state_measuring(steps, known)
    return told, measuring, lay_out_next_steps(told, measuring, known)


def test_each_segment_has_its_step_its_test_and_what_is_unknown(known):
    told, measuring, page = state(known)
    assert {name: finding.text for name, finding in told.items()} == {
        "A": "Win back: 100 customers of the segment today.",
        "B": "Try the message “A welcome” (to greet); no list of today has customers enough to be "
        "told of.",
        "C": "Nothing yet: no list of today may be told of, and no message of the library fits "
        "what is known of the segment.",
    }
    assert measuring["A"].text.startswith("Keep 40 of the 200 customers who may be contacted by")
    assert measuring["C"].text.startswith("Not known: who may be contacted")
    frame = page.frame.set_index("segment_name")
    assert frame["unknown"].tolist() == ["", "consent", "consent and a channel to send by"]


def test_of_a_segment_whose_size_is_hidden_nothing_is_said_to_be_missing(known):
    sizes = known.sizes.frame.assign(customer_count=[400, 300, None])
    hidden = replace(known, sizes=replace(known.sizes, frame=sizes))
    told, _, _ = state(hidden)
    assert told["C"].text == "Not told: the segment's figures may not be shown."


def test_its_sentences_keep_to_the_rules(known):
    told, measuring, _ = state(known)
    for finding in (*told.values(), *measuring.values(), *list_unknown(known, [])):
        for name, rule in RULES.items():
            assert not rule(finding, Said({})), f"{name}: {finding.text}"


def test_what_is_not_known_is_told_once_and_a_campaign_only_where_none_was_measured(known):
    texts = [finding.text for finding in list_unknown(known, [Finding(ABSENCE, "None.")])]
    assert texts == [
        "No campaign with a control group was measured here: what an offer adds is not known.",
        "Not known of all or some segments: consent and a channel to send by.",
    ]
    measured = [Finding("campaigns.effects.shown", "More opened.")]
    assert len(list_unknown(known, measured)) == 1
