"""The first page's sentence and its light agree, whatever was found and whatever it foretells."""

from __future__ import annotations

import datetime
import itertools

import pandas as pd
import pytest
from published import publish
from test_verdict import make_table

from segkit.plan.models import Scheme
from segkit.report import candidates, conclusion, usefulness
from segkit.report.shared.first_page import write_verdict
from segkit.validation.stability import KINDS
from segkit.validation.usefulness import BOTH, RFM, SEGMENTS, Usefulness
from segkit.validation.verdict import SchemeChoice

ANSWERS = ("adds to RFM", "as much as RFM", "nothing beyond RFM", "nothing", "")
METHODS = ("kmeans", "rfm")
VERDICTS = ("yes", "no")
FIGURES = ("estimate", "low", "high", "difference", "difference_low", "difference_high")


def make_useful(answer: str) -> Usefulness:
    """Return what a test on later time found, of two outcomes."""
    if not answer:
        return Usefulness(None, pd.DataFrame(), pd.DataFrame(), reason="No order is known.")
    gain = 0.2 if answer == "adds to RFM" else 0.0
    shown = 0.0 if answer == "nothing" else 0.3
    rows = []
    for outcome in ("later_spend", "later_order_count"):
        for predictor in (RFM, SEGMENTS, BOTH):
            own = gain if predictor == BOTH else 0.0
            figures = (shown, shown - 0.02, shown + 0.02, own, own - 0.01, own + 0.01)
            rows.append((outcome, "explained_share", predictor, *figures, 900))
    columns = ["outcome", "measure", "predictor", *FIGURES, "customer_count"]
    return Usefulness(
        datetime.date(2025, 9, 1),
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(),
        answer=answer,
        segment_count=3,
        customer_count=900,
        later_days=90,
    )


def tell(kind: str, verdict: str, method: str, answer: str, *, faults: str = "") -> dict:
    """Return what the first page says of the verdict."""
    table = make_table(("b", 3, 0.5, verdict == "yes"))
    row = {"kind": kind, "method": method, "faults": faults, "passes": verdict == "yes"}
    compared = publish(table.assign(**row), candidates.CANDIDATES)
    choice = SchemeChoice("b", 3, verdict, overruled=False, kind=kind)
    columns = ("recency_days", "order_count", "total_spend")
    scheme = Scheme(name="b", goal="g", base="behavioural", method=method, columns=columns)
    useful = make_useful(answer)
    measured = publish(useful.figures, usefulness.FIGURES)
    summary = publish(useful.summarise(), usefulness.SUMMARY)
    sentence = conclusion.state_conclusion(
        choice,
        scheme,
        found=conclusion.state_found(choice, compared),
        useful=useful,
        measured=measured,
    )
    told = usefulness.state_usefulness(useful, summary, measured, is_rfm=conclusion.is_rfm(scheme))
    facts = {
        "answer": choice.verdict,
        "text": sentence.to_record(),
        "doubts": conclusion.list_doubts(choice, scheme, useful),
    }
    headline = usefulness.list_headline(useful, told, summary)
    page = write_verdict({"verdict": facts, "usefulness": headline})
    return page | {"told": " ".join([page["text"], *(one.text for one in told)])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "verdict", "method", "answer"), itertools.product(KINDS, VERDICTS, METHODS, ANSWERS)
)
def test_the_sentence_and_the_light_agree(kind, verdict, method, answer):
    page = tell(kind, verdict, method, answer)
    text = page["text"]
    assert text.count(". ") == 0, "one sentence"
    assert text.endswith(".")
    is_no = verdict == "no"
    holds = kind != "none"
    foretells = answer in ANSWERS[:3]
    is_less = answer == "nothing beyond RFM" and method != "rfm"
    # The light: red for no; green only for what holds, was seen to foretell, and no less than RFM.
    is_plain = not is_no and holds and foretells and not is_less
    assert page["style"] == ("no" if is_no else "yes" if is_plain else "doubtful")
    assert (page["answer"] == "yes") == is_plain
    assert page["answer"].startswith("no" if is_no else "yes")
    # The sentence: to use or not, what was found, whether it holds, and what it foretells.
    assert text.startswith("Do not use" if is_no else "Use b with 3 segments: ")
    assert ("they are groups" in text) == (kind == "natural")
    assert ("they are classes" in text) == (kind == "classes")
    assert ("not groups" in text) == (kind in ("constructive", "reproducible"))
    assert ("would give others" in text) == (not holds)
    assert ("nearly the same" in text) == holds
    assert ("foretell some" in text) == foretells
    assert ("foretell nothing" in text) == (answer == "nothing")
    assert ("not measured" in text) == (answer == "")
    assert ("more than RFM" in text) == (method != "rfm" and answer in ("adds to RFM", ""))


@pytest.mark.parametrize("answer", ANSWERS)
def test_rfm_is_never_said_to_add_nothing_to_itself(answer):
    told = tell("constructive", "yes", "rfm", answer)["told"]
    assert "nothing that RFM does not" not in told
    assert "more than RFM" not in told
    assert "RFM says that and more" not in told
    if answer != "nothing":
        assert "RFM itself" in told


def test_what_fails_for_a_segment_that_is_not_found_again_is_not_said_to_hold():
    text = tell("reproducible", "no", "kmeans", "nothing", faults="reach, weakest_jaccard")["text"]
    assert "another sample would not give all of them" in text
    text = tell("reproducible", "no", "kmeans", "nothing", faults="reach")["text"]
    assert "another sample would give nearly the same ones (stability 0.80)" in text


def test_a_cut_is_called_by_rule_only_where_a_rule_cut():
    assert "a cut by rule" in tell("constructive", "yes", "rfm", "")["text"]
    found = tell("constructive", "yes", "latent_classes", "")["text"]
    assert "by rule" not in found
    assert "nothing was found that sets customers apart" in found


def test_the_sentence_names_where_customers_are_cut_and_what_is_foretold():
    assert tell("reproducible", "yes", "kmeans", "adds to RFM")["text"] == (
        "Use b with 3 segments: they are a cut, not groups, made where customers differ most, in "
        "orders and days since the last order; another sample would give nearly the same ones "
        "(stability 0.80); they say more than RFM, and foretell some of later net spend and orders."
    )


def test_nothing_is_useful_before_it_was_measured():
    page = tell("natural", "yes", "kmeans", "")
    assert page["answer"] == "yes, but what they are good for was not measured"
    assert "(no order is known)" in page["text"]
    assert "useful" not in page["told"]


def test_what_a_plan_overrules_is_told_after_the_sentence():
    choice = SchemeChoice(
        "b", 3, "no", overruled=True, kind="none", overrule_reason="We try it anyway."
    )
    told = [remark.text for remark in conclusion.state_remarks(choice)]
    assert told[0] == "The plan overrules this verdict: We try it anyway."
    assert "overrules the recommendation" in told[1]
