"""How many customers of each segment may be contacted."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import EmptyTable, empty_table
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.views import Column, View, reshape_published

ANSWERS = ["with_consent", "without_consent", "unknown_consent"]
NOBODY_ASKED = (
    "Of no customer is a yes or a no to contact known, so nobody can be on a list. The plan says "
    "which column holds it: consent_column, under privacy."
)
CONSENT = View(
    Shape(
        "consent_by_segment",
        by=("segment_name", "answer"),
        wholes=("segment_count",),
        measures={"share": COUNT},
    )
)
BY_SEGMENT = View(
    CONSENT.shape,
    {
        "segment_name": Column(),
        "in_segment": Column(),
        **{answer: Column() for answer in ANSWERS},
        "consent_share": Column(),
    },
)


def list_answers(consent: pd.DataFrame) -> pd.DataFrame:
    """Return what `count_consent` counted, a row a segment and answer, with its share.

    Publish it with ``segment_count``, the customers of the segment that may be seen. Where no
    answer is known, of all customers, the empty table says so: that tells of the shop, of nobody.
    """
    if not consent[["with_consent", "without_consent"]].to_numpy().any():
        return empty_table(list(CONSENT.shape.by), NOBODY_ASKED)
    counts = consent.drop(columns="consent_share")
    long = counts.melt(
        ["segment_name", "in_segment"], var_name="answer", value_name="customer_count"
    )
    return long.assign(share=long["customer_count"] / long["in_segment"])


def spread_answers(answers: Published, sizes: Published) -> Published:
    """Return the published answers with a row a segment.

    How many customers a segment has is read from the published ``sizes``, so that nothing shows
    here that is hidden there.
    """
    if isinstance(answers.frame, EmptyTable):
        nothing = pd.DataFrame(columns=list(BY_SEGMENT.columns))
        return reshape_published(answers, nothing, BY_SEGMENT)
    wide = answers.frame.pivot(index="segment_name", columns="answer", values="customer_count")
    wide = wide.reindex(columns=ANSWERS)
    shares = answers.frame[answers.frame["answer"] == "with_consent"].set_index("segment_name")
    wide["consent_share"] = shares["share"].astype(float)
    counts = sizes.frame.set_index("segment_name")["customer_count"]
    wide.insert(0, "in_segment", counts.reindex(wide.index))
    return reshape_published(answers, wide.reset_index(), BY_SEGMENT)
