"""What the page that is read first says: everything that is decided of it, before its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from segkit.core.findings import ABSENCE
from segkit.core.periods import word_spend
from segkit.plan.kpis import MEASURES
from segkit.report import STEPS
from segkit.report.shared.numbers import (
    MISSING,
    format_money,
    format_number,
    format_share,
    join_period,
    join_words,
    plural,
)
from segkit.report.shared.segment_picture import COLOURS, draw_segments
from segkit.report.shared.tables import build_table, label_column

MOST_CARDS = 8
LONGEST_CARD = 24  # characters of a headline figure; longer ones are left out
LONGEST_BIG_CARD = 16  # longer ones are written smaller
MOST_FINDINGS = 4  # of each step
MOST_PEOPLE = 8  # cards of segments
MOST_WARNINGS = 3  # below the verdict; page 1 has them all
BARS = ("customer_share", "spend_share")
ON_CARDS_ONLY = ("period", "rating", "consent_share")
SEGMENT_HEADINGS = {"spend_share": "Share of net spend"}
MET = {"yes": ("yes", "met"), "no": ("not yet", "missed")}
QUALITY_HEADINGS = {
    "table": "Table",
    "read": "Rows read",
    "accepted": "Accepted",
    "rejected": "Rejected",
    "share": "Rejected, share",
}


def lay_out_first_page(
    plan: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]], record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what stands on the first page, part by part; see `render_index`."""
    final = facts.get("05_analysis") or {}
    return {
        "title": plan.get("title") or plan.get("name") or "Customer segmentation",
        "owner": plan.get("owner"),
        "scope": plan.get("scope"),
        "as_of": record.get("as_of") or plan.get("as_of"),
        "verdict": write_verdict(final),
        "cards": list_cards(facts),
        "picture": draw_segments(final.get("segments")),
        "people": list_people(final, currency=plan.get("currency") or ""),
        "changes": list_told(final.get("changes")),
        "unknown": list_told(final.get("unknown")),
        "segments": tabulate_segments(final.get("segments"), currency=plan.get("currency") or ""),
        "goals": list_goals(final.get("kpis"), plan.get("goals"), plan.get("kpis")),
        "findings": list_findings(facts),
        "quality": summarise_quality(record.get("tables")),
        "limits": final.get("limits"),
        "provenance": list_provenance(plan, record),
    }


def read_text(finding: Mapping[str, Any] | str | None) -> str:
    """Return the sentence of a finding that facts hold."""
    if isinstance(finding, Mapping):
        return str(finding["text"])
    return str(finding or "")


def list_told(findings: Sequence[Mapping[str, Any] | str] | None) -> list[str]:
    """Return the sentences of findings; that there is nothing to tell is left out."""
    return [
        read_text(one)
        for one in findings or []
        if not isinstance(one, Mapping) or one.get("kind") != ABSENCE
    ]


def list_steps(facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the steps that left facts, in the order of reading."""
    return [step for step in STEPS if step in facts]


def write_verdict(final: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the verdict in one sentence, with its reasons.

    A yes is not plain while warnings are open or something speaks against it, see
    `segkit.report.conclusion.list_doubts`.
    """
    verdict = final.get("verdict")
    if not verdict:
        return None
    useful = final.get("usefulness") or {}
    warnings = verdict.get("open_warnings") or []
    is_yes = verdict["answer"] == "yes"
    doubts = list(verdict.get("doubts") or []) if is_yes else []
    explained = read_text(useful.get("doubt")) if is_yes else ""
    told = [f"{one['name']}: {one['reason']}" for one in warnings[:MOST_WARNINGS]]
    return {
        "answer": state_answer(verdict["answer"], warnings, doubts=doubts),
        "style": "doubtful" if is_yes and (warnings or doubts) else verdict["answer"],
        "warnings": [explained, *told] if explained else told,
        "text": read_text(verdict.get("text")),
        "reasons": [read_text(reason) for reason in verdict.get("reasons") or []],
    }


def state_answer(
    answer: str, warnings: Sequence[Mapping[str, str]], *, doubts: Sequence[str] = ()
) -> str:
    """Return the answer in words; a yes with what speaks against it.

    Examples
    --------
    >>> state_answer("yes", [])
    'yes'
    >>> state_answer("yes", [{"name": "order_lines.many_rejected", "reason": ""}])
    'yes, but 1 warning of the check is open'
    >>> state_answer("yes", [], doubts=["RFM says more of later time"])
    'yes, but RFM says more of later time'
    """
    told = list(doubts)
    if warnings:
        verb = "is" if len(warnings) == 1 else "are"
        told.append(f"{plural(len(warnings), 'warning')} of the check {verb} open")
    if answer != "yes" or not told:
        return answer
    return f"yes, but {join_words(told)}"


def list_cards(facts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the headline figures that fit on cards, those of the last steps first."""
    cards = []
    for step in reversed(list_steps(facts)):  # the last steps say what the first ones were for
        for label, finding in (facts[step].get("headline") or {}).items():
            text = read_text(finding)
            if len(text) <= LONGEST_CARD:
                style = "long" if len(text) > LONGEST_BIG_CARD else ""
                cards.append({"label": label, "text": text, "style": style})
    return cards[:MOST_CARDS]


def list_people(final: Mapping[str, Any], *, currency: str) -> list[dict[str, Any]]:
    """Return a card a segment: how many, how much, what sets it apart, and what to do next.

    What is not known, or must not be seen, is left out. The cards' colours are the picture's.
    """
    steps = final.get("next_steps") or {}
    cards = []
    for place, row in enumerate((final.get("segments") or [])[:MOST_PEOPLE]):
        name = str(row["segment_name"])
        cards.append(
            {
                "name": name,
                "colour": place % COLOURS,
                "figures": _list_sizes(row, currency),
                "apart": row.get("set_apart_by") or "",
                "next": read_text(steps.get(name)),
                "notes": _list_notes(row),
            }
        )
    return cards


def _list_sizes(row: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    """Return a segment's figures, each with the words after it."""
    period = str(row.get("period") or "")
    figures = []
    if row.get("customer_count") is not None:
        figures.append((format_number(row["customer_count"]), "customers"))
    if row.get("customer_share") is not None:
        figures.append((format_share(row["customer_share"]), "of them"))
    if row.get("spend_share") is not None:
        figures.append((format_share(row["spend_share"]), word_spend("of net spend", period)))
    if row.get("mean_spend") is not None:
        figures.append((format_money(row["mean_spend"], currency), "each"))
    return figures


def _list_notes(row: Mapping[str, Any]) -> list[str]:
    """Return how surely the segment is found again, and how many of it may be contacted."""
    notes = [str(row["rating"])] if row.get("rating") else []
    if row.get("consent_share") is not None:
        notes.append(f"{format_share(row['consent_share'], 0)} may be contacted")
    return notes


def tabulate_segments(rows: Sequence[Mapping[str, Any]] | None, *, currency: str) -> Markup:
    """Return the segments as a table, with bars where there are shares to compare."""
    if not rows:
        return Markup()
    table = pd.DataFrame(list(rows))
    period = table["period"].iloc[0] if "period" in table else ""
    table = table[[name for name in table if name not in ON_CARDS_ONLY]]
    caption = "Each segment's size and value; bars compare the segments"
    if "spend_share" in table:
        caption = join_period(caption, period)
    headings = {name: label_column(name) for name in table}
    for name in SEGMENT_HEADINGS.keys() & headings.keys():
        headings[name] = word_spend(SEGMENT_HEADINGS[name], period)
    bars = [name for name in BARS if name in table]
    return Markup(
        build_table(table, caption=caption, columns=headings, bars=bars, currency=currency)
    )


def list_goals(
    kpis: Sequence[Mapping[str, Any]] | None,
    goals: Sequence[Mapping[str, Any]] | None,
    own: Sequence[Mapping[str, Any]] | None = None,
) -> list[dict[str, str]]:
    """Return the goals with their KPIs; before these are measured, the plan's goals alone.

    ``own`` are the KPIs that the plan itself defines.
    """
    if kpis:
        return [_write_goal(row, measure=row["measure"]) for row in kpis]
    rows = []
    texts = MEASURES | {kpi["name"]: kpi["text"] for kpi in own or [] if kpi.get("text")}
    for goal in goals or []:
        target = format_number(goal.get("target"), 2)
        rows.append(_write_goal({**goal, "target_text": target}, measure=texts[goal["kpi"]]))
    return rows


def _write_goal(row: Mapping[str, Any], *, measure: str) -> dict[str, str]:
    met = row.get("met") or MISSING
    word, style = MET.get(met, (met, ""))
    return {
        "text": row["text"],
        "measure": measure,
        "value": row.get("value_text") or MISSING,
        "target": row.get("target_text") or MISSING,
        "met": word,
        "style": style,
    }


def list_findings(facts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the first findings of each step, with the step's page."""
    return [
        {
            "step": STEPS[step],
            "href": f"{step}.html",
            "texts": [read_text(f) for f in (facts[step].get("findings") or [])[:MOST_FINDINGS]],
        }
        for step in list_steps(facts)
    ]


def summarise_quality(counts: Mapping[str, Mapping[str, int]] | None) -> dict[str, Any] | None:
    """Return how many rows were read, accepted and rejected, and the same by table."""
    if not counts:
        return None
    table = pd.DataFrame([{"table": name, **row} for name, row in counts.items()])
    table["share"] = table["rejected"] / table["read"].where(table["read"] > 0)
    read = int(table["read"].sum())
    rejected = int(table["rejected"].sum())
    markup = build_table(table, caption="Rows by table", columns=QUALITY_HEADINGS)
    return {
        "read": plural(read, "row"),
        "accepted": format_number(read - rejected),
        "rejected": format_number(rejected),
        "rejected_share": format_share(rejected / read) if read else "",
        "table": Markup(markup),
    }


def list_provenance(plan: Mapping[str, Any], record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what made the page, by label; nothing without a run."""
    run = record.get("run_id") or ""
    if not run:
        return []
    day = f"{run[:4]}-{run[4:6]}-{run[6:8]}"
    version = record.get("segkit_version")
    parts = {
        "Made with": f"segkit {version}" if version else None,
        "Last day counted": _describe_last_day(plan, record),
        "Seed": record.get("random_state"),
        "Published": f"{day} {run[9:11]}:{run[11:13]} UTC",
        "Run": run,
    }
    return [(label, str(text)) for label, text in parts.items() if text is not None]


def _describe_last_day(plan: Mapping[str, Any], record: Mapping[str, Any]) -> str | None:
    """Return the last day counted, and whence it is where the plan does not say it."""
    day = record.get("as_of") or plan.get("as_of")
    table = record.get("as_of_from") or "plan"
    return f"{day}, taken from the data: the last day in {table}" if table != "plan" else day


def collect_findings(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of each step as records, with their figures and sources."""
    collected = {}
    for step in list_steps(facts):
        found = [*(facts[step].get("findings") or [])]
        found += [*(facts[step].get("headline") or {}).values()]
        collected[step] = [
            dict(one) if isinstance(one, Mapping) else {"kind": "text", "text": read_text(one)}
            for one in found
        ]
    return collected
