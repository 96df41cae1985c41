"""A yes waits where the segments foresaw nothing of the time that was held out."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from published import publish

from segkit.report import usefulness
from segkit.report.shared.sentences import write_finding
from segkit.validation.foresight import has_to_wait
from segkit.validation.usefulness import Usefulness

TOLD = [write_finding("usefulness.answer.nothing")]


def make_useful(answer: str, reason: str = "") -> Usefulness:
    return Usefulness(
        split_on=datetime.date(2025, 9, 1),
        figures=pd.DataFrame(),
        gains=pd.DataFrame(),
        answer=answer,
        reason=reason,
        segment_count=3,
        customer_count=900,
        later_days=90,
    )


@pytest.mark.parametrize("answer", ["adds to RFM", "as much as RFM", "nothing beyond RFM"])
def test_segments_that_say_something_hold_nothing_up(answer):
    found = make_useful(answer)
    summary = publish(found.summarise(), usefulness.SUMMARY)
    assert not has_to_wait(found)
    assert "doubt" not in usefulness.list_headline(found, TOLD, summary)


def test_what_was_not_measured_holds_nothing_up():
    assert not has_to_wait(make_useful("", "Too little history."))
    assert not has_to_wait(make_useful("nothing", "Too little history."))


def test_segments_that_foresaw_nothing_are_told_with_the_time_that_was_held_out():
    found = make_useful("nothing")
    summary = publish(found.summarise(), usefulness.SUMMARY)
    doubt = usefulness.list_headline(found, TOLD, summary)["doubt"]
    assert has_to_wait(found)
    assert "2025-09-01" in doubt.text
    assert "900 customers" in doubt.text
    assert "90 days" in doubt.text
