"""What was found, whether it holds, whether it says more than RFM and foretells: in one sentence.

The same four answers decide what speaks against a yes, so that the light beside the sentence never
says another thing than the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.privacy import Published
from segkit.plan.models import Scheme
from segkit.report import who
from segkit.report.groups import locate, state_what
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import find_sentence, list_texts, name_column, write_finding
from segkit.report.sizes import list_headline as list_sizes_headline
from segkit.report.usefulness import OUTCOMES, list_tests, read_added
from segkit.validation.usefulness import BOTH, Usefulness, list_gains
from segkit.validation.verdict import SchemeChoice

NOT_MEASURED = "not measured"
# The answers of `judge_usefulness`, by what the sentences call them.
FORESIGHTS = {
    "adds to RFM": "adds",
    "as much as RFM": "as_much",
    "nothing beyond RFM": "nothing_beyond",
    "nothing": "nothing",
    NOT_MEASURED: "not_measured",
}
# What speaks against a plain yes; RFM itself cannot say more than RFM, and need not.
DOUBTED = ("nothing", "nothing_beyond", "not_measured")
DOUBTED_OF_RFM = ("nothing", "not_measured")
# Criteria whose miss says that not every segment is found again.
UNSTABLE = {"stability", "weakest_jaccard"}


def state_found(choice: SchemeChoice, candidates: Published) -> Finding:
    """Say what the chosen segments are and whether they hold, in a part of a sentence."""
    frame = candidates.frame
    is_chosen = frame["scheme"] == choice.scheme
    is_chosen &= frame["segment_count"] == choice.segment_count
    row = frame[is_chosen].iloc[0]
    what = state_what(candidates, row, topic="conclusion.what")
    stability = candidates.read_figure("stability", where=locate(row), decimals=2)
    holds = write_finding(f"conclusion.holds.{_find_hold(row)}", [stability])
    count = candidates.read_figure("segment_count", where=locate(row), kind="count", unit="segment")
    return write_finding(
        "conclusion.found.told",
        [count, *what.figures, *holds.figures],
        words={"what": what.text, "holds": holds.text},
    )


def _find_hold(row: pd.Series) -> str:
    if row["kind"] == "none":
        return "none"
    return "not_all" if UNSTABLE & set(str(row["faults"]).split(", ")) else "all"


def state_conclusion(
    choice: SchemeChoice, scheme: Scheme, *, found: Finding, useful: Usefulness, measured: Published
) -> Finding:
    """Say in one sentence what was found, whether it holds, and what it says of later time.

    Parameters
    ----------
    choice : SchemeChoice
    scheme : Scheme
        The chosen scheme: RFM is not compared with itself.
    found : Finding
        Of `state_found`.
    useful : Usefulness
    measured : Published
        The published figures of ``useful``.
    """
    foresight = _state_foresight(useful, scheme, measured)
    words = {
        "scheme": name_column(choice.scheme),
        "found": found.text,
        "foresight": foresight.text,
        "remarks": "".join(f" {remark.text}" for remark in state_remarks(choice)),
    }
    sentence = "use" if choice.verdict == "yes" else "nearest"
    figures = [*found.figures, *foresight.figures]
    return write_finding(f"conclusion.sentence.{sentence}", figures, words=words)


def state_remarks(choice: SchemeChoice) -> list[Finding]:
    """Say what the plan overrules: the verdict, or which scheme is taken."""
    remarks = []
    if choice.overrule_reason:
        words = {"reason": choice.overrule_reason.rstrip(".")}
        remarks.append(write_finding("choice.verdict.overrules_verdict", words=words))
    if choice.overruled:
        remarks.append(write_finding("choice.verdict.overrules_scheme"))
    return remarks


def _state_foresight(useful: Usefulness, scheme: Scheme, measured: Published) -> Finding:
    """Say whether the segments say more than RFM, and whether they foretell, in a part."""
    table = "foresight_of_rfm" if is_rfm(scheme) else "foresight"
    kind = f"conclusion.{table}.{find_foresight(useful)}"
    if useful.reason:
        return write_finding(kind, words={"reason": _fit_in(useful.reason)})
    gains = list_gains(useful.figures, BOTH, "difference")
    words = {"outcomes": join_words([OUTCOMES[name] for name in gains])}
    return write_finding(kind, [read_added(measured, name) for name in gains], words=words)


def _fit_in(reason: str) -> str:
    """Return a sentence as it stands in parentheses within another."""
    return reason[:1].lower() + reason[1:].rstrip(".")


def is_rfm(scheme: Scheme) -> bool:
    """Return whether a scheme is made of the scores that the others are compared with."""
    return scheme.method == "rfm"


def find_foresight(useful: Usefulness) -> str:
    """Return what the segments say of later time, as the sentences call it.

    >>> import pandas as pd
    >>> nothing = pd.DataFrame()
    >>> find_foresight(Usefulness(None, nothing, nothing, reason="No order is known."))
    'not_measured'
    """
    return FORESIGHTS[NOT_MEASURED if useful.reason else useful.answer]


def list_doubts(choice: SchemeChoice, scheme: Scheme, useful: Usefulness) -> list[str]:
    """Return in words what speaks against a plain yes; nothing where the verdict is no.

    A yes waits for usefulness: it is plain where the segments foretell some of later time and RFM
    does not foretell more.
    """
    if choice.verdict != "yes":
        return []
    doubts = ["none"] if choice.kind == "none" else []
    foresight = find_foresight(useful)
    if foresight in (DOUBTED_OF_RFM if is_rfm(scheme) else DOUBTED):
        doubts.append(foresight)
    return [find_sentence(f"conclusion.doubts.{name}") for name in doubts]


def list_answer(
    choice: SchemeChoice,
    scheme: Scheme,
    *,
    in_short: Finding,
    useful: Usefulness,
    reasons: Sequence[Finding],
    tests: Sequence[Finding],
    open_warnings: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the verdict as the first page tells it: the answer, in short, and what it rests on.

    Parameters
    ----------
    choice : SchemeChoice
    scheme : Scheme
        The chosen one.
    in_short : Finding
        All in one sentence, see :func:`state_conclusion`.
    useful : Usefulness
    reasons : sequence of Finding
        Those of the base analysis; the second and the third are told.
    tests : sequence of Finding
        What the segments say of later time.
    open_warnings : sequence of mapping
        Warnings of the tables that the scheme hangs on.
    """
    return {
        "answer": choice.verdict,
        "text": in_short.text,
        "open_warnings": open_warnings,
        "doubts": list_doubts(choice, scheme, useful),
        "reasons": [*list_texts(reasons)[1:3], *list_tests(list(tests))],
    }


def list_headline(places: Published, sizes: Published) -> dict[str, Finding]:
    """Return the figures on the segments for the first page, by label."""
    return who.list_headline(places) | list_sizes_headline(sizes)
