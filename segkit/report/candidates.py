"""Candidate segmentations: enough data, the same criteria for all, and what kind was found."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import HIDDEN, Finding
from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, TRACK, chart
from segkit.report.shared.numbers import MISSING, format_number, format_share, join_words, plural
from segkit.report.shared.sentences import find_sentence, name_column, write_figure, write_finding
from segkit.report.shared.views import Column, View
from segkit.validation.stability import KINDS

GATES = View(
    Shape(
        "gates",
        by=("scheme", "requirement"),
        adds_up=False,
        shown=("needed", "wanted", "status"),
        measures={"found": "count", "missing_count": "count"},
    ),
    {
        "scheme": Column("Scheme"),
        "requirement": Column("What is counted"),
        "found": Column("Found"),
        "needed": Column("Refused below"),
        "wanted": Column("Thin below"),
        "missing_count": Column("Missing to enough"),
        "status": Column("Status"),
    },
)
# A candidate's figures rest on all customers, but for those of its smallest segment.
CANDIDATES = View(
    Shape(
        "candidates",
        by=("scheme", "segment_count"),
        count="smallest_customer_count",
        adds_up=False,
        shown=(
            "method",
            "base",
            "placed_share",
            "explained_spend_share",
            "explained_share",
            "closest_difference_sd",
            "outer_count",
            "direction",
            "direction_share",
            "reach",
            "stability",
            "stability_low",
            "stability_high",
            "reference_stability",
            "structure",
            "border_share",
            "beyond_null",
            "null_gain",
            "valley",
            "null_valley",
            "parts_beyond_null",
            "weakest_jaccard",
            "kind",
            "weakest_segment",
            "smallest_segment",
            "poorest_segment",
            "reproducible_share",
            "passes",
            "faults",
            "fault_count",
        ),
        # They are of the smallest and the poorest segment, not of a customer.
        measures={"smallest_customer_share": COUNT, "smallest_value_share": FIGURE},
    ),
    {
        "scheme": Column("Scheme"),
        "method": Column("Model"),
        "segment_count": Column("Segments"),
        "kind": Column("Kind"),
        "stability": Column("Stability"),
        "weakest_jaccard": Column("Weakest, Jaccard"),
        "smallest_customer_share": Column("Smallest, customers"),
        "smallest_value_share": Column("Poorest, net spend"),
        "reach": Column("Placed by rules"),
        "explained_share": Column("Explained"),
        "passes": Column("Meets all"),
    },
)
LIMITS = View(Shape("limits", population="plan", by=("criterion",)))
FITTED = View(Shape("fitted", count="fitted_count", adds_up=False))
CLASSES = View(Shape("classes", population="candidates", by=("scheme", "segment_count")))

MEASURES = {
    "stability": "stability\n(adjusted Rand)",
    "explained_spend_share": "net spend explained\n(share of variance)",
    "smallest_customer_share": "smallest segment\n(share of customers)",
}
DIFFERENCES = {"explained_spend_share": "differences explained\n(share of variance)"}


def keep_scheme(candidates: Published, scheme: str) -> Published:
    """Return the candidates of one scheme."""
    return candidates.keep(candidates.frame["scheme"] == scheme)


@chart("scheme", "segment_count", values=["passes", *MEASURES])
def plot_candidates(
    table: pd.DataFrame,
    *,
    chosen: tuple[str, int] | None = None,
    limits: pd.DataFrame | None = None,
    title: str = "Candidate segmentations on the same criteria",
) -> Axes:
    """Draw the candidate segmentations side by side: stable, telling, large enough?

    How to read it: one row a candidate. Further right is better in every panel; a dashed line is
    the least that the plan accepts. A filled dot passes all criteria, an empty one does not, and
    the recommended candidate is orange and bold.
    The table has a row a candidate: ``scheme``, ``segment_count``, ``passes`` and the three
    measures; where no spend is explained, ``explained_share`` stands in. ``chosen`` is the
    recommended pair; ``limits`` has the least value (``limit``) by measure (``criterion``).
    """
    rows = table.sort_values(["scheme", "segment_count"], ascending=False, kind="stable")
    pairs = zip(rows["scheme"], rows["segment_count"], strict=True)
    best = [pair == chosen for pair in pairs]
    passes = rows["passes"].fillna(False).to_numpy(bool)
    counts = rows["segment_count"].astype(str)
    names = rows["scheme"].str.replace("_", " ") + ", " + counts + " segments"
    measures = MEASURES
    whole = "net spend"
    if rows["explained_spend_share"].isna().all() and "explained_share" in rows:
        rows = rows.assign(explained_spend_share=rows["explained_share"])
        measures = MEASURES | DIFFERENCES
        whole = "the differences"
    least = {} if limits is None else dict(zip(limits["criterion"], limits["limit"], strict=True))
    panels = figures.new_axes(title, height=1.4 + 0.34 * len(rows), columns=3)
    texts = []
    for ax, (column, heading) in zip(panels, measures.items(), strict=True):
        drawn_least = None if column == "explained_spend_share" else least.get(column)
        texts.append(_draw_measure(ax, rows, column, best=best, least=drawn_least))
        ax.set_xlabel(heading)
        figures.name_rows(ax, names, bold=best)
    stable, explained, smallest = texts
    said = names + ": stability " + stable + ", explains " + explained + f" of {whole}, smallest "
    said += smallest + np.where(passes, "", ", does not pass") + np.where(best, ", recommended", "")
    start = f"{plural(len(rows), 'candidate')} compared"
    return figures.describe_chart(panels[0], start, said.iloc[::-1])


def _draw_measure(
    ax: Axes, rows: pd.DataFrame, column: str, *, best: list[bool], least: float | None
) -> pd.Series:
    """Draw one panel, a dot a candidate; return the measure's values as they are written."""
    values = rows[column].astype(float)
    is_share = column != "stability"
    top = np.nanmax([*values, least or 0, 0.01]) if is_share else 1.0
    write = format_share if is_share else partial(format_number, decimals=2)
    texts = values.map(write).where(values.notna(), "not measured")
    if HIDDEN in rows:
        texts = texts.mask(rows[HIDDEN].astype(bool) & values.isna(), MISSING)
    colours = np.where(best, ORANGE, BLUE)
    passes = rows["passes"].fillna(False).to_numpy(bool)
    track = ax.barh(range(len(rows)), top, height=0.03, color=TRACK)
    for label, stressed in zip(ax.bar_label(track, texts, padding=9), best, strict=True):
        label.set(fontsize=9, fontweight="bold" if stressed else "normal")
    ax.scatter(
        values,
        range(len(rows)),
        s=64,
        zorder=3,
        clip_on=False,
        c=np.where(passes, colours, "white"),
        edgecolors=colours,
        linewidth=1.8,
    )
    if least is not None:
        ax.axvline(least, color=GREY, linestyle=(0, (3, 3)), linewidth=1.2)
        place = (least, len(rows) - 0.35)
        ax.text(*place, f"least {write(least)}", ha="center", fontsize=8.5, color=MUTED)
    ax.set_xlim(np.nanmin([*values, 0]), top)
    return texts


def state_kinds(candidates: Published, fitted: Published) -> list[Finding]:
    """Say of each scheme with several numbers of segments what was found at which of them.

    And how many customers were fitted, if not all.
    """
    frame = candidates.frame
    told = []
    sizes = fitted.frame.iloc[0]
    if sizes["fitted_count"] < sizes["customer_count"]:
        told.append(_state_part(fitted))
    for scheme, own in frame.groupby("scheme", sort=False):
        told.append(_state_scheme(candidates, scheme, own))
    for kind in KINDS:
        if kind in set(frame["kind"]):
            meaning = find_sentence(f"candidates.meanings.{kind}")
            words = {"kind": kind.capitalize(), "meaning": meaning}
            told.append(write_finding("candidates.kinds.meaning", words=words))
    return told


def _state_part(fitted: Published) -> Finding:
    """Say how many customers were fitted of how many."""
    count = fitted.read_figure("fitted_count", kind="large", unit="")
    everybody = fitted.read_figure("customer_count", kind="large", unit="")
    return write_finding("candidates.kinds.sampled", [count, everybody], count=everybody)


def _state_scheme(candidates: Published, scheme: str, own: pd.DataFrame) -> Finding:
    """Say what kind a scheme is with which numbers of segments."""
    parts = []
    counts = []
    for kind, rows in own.groupby("kind", sort=False):
        found = [
            candidates.read_figure(
                "segment_count", where={"scheme": scheme, "segment_count": int(count)}, kind="count"
            )
            for count in rows["segment_count"]
        ]
        parts.append(f"{kind} with {join_words([write_figure(count) for count in found])}")
        counts += found
    words = {"scheme": name_column(scheme), "found": join_words(parts)}
    return write_finding("candidates.kinds.scheme", counts, words=words)
