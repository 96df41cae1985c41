"""The sheets of personas: a page each, with a picture and all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from segkit.action.persona_facts import CUSTOMERS, MEAN, TRAITS, list_facts
from segkit.action.persona_headings import HEADINGS
from segkit.action.persona_traits import label_traits, read_reasons
from segkit.action.personas import Persona, choose_segments, draft_personas
from segkit.core.absence import empty_table
from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.features.wording import Labels, find_words, tell_end, tell_level
from segkit.plan.models import Plan
from segkit.report.persona_emblem import plot_persona
from segkit.report.persona_findings import is_carried, state_persona
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import format_money, format_number, format_share
from segkit.report.shared.views import Column, View

NOTHING = "Nothing sets the segments that have a persona clearly apart."
SHEET_COLUMNS = [
    "segment_name",
    "given_name",
    "label",
    "words",
    "own_text",
    "base_text",
    "count_text",
    "index",
    "customer_count",
    "known_count",
    "base_count",
    "is_of_known",
    "figure",
    "base_figure",
    "strength",
    "by_few",
    "heading",
    "place",
    "sentence",
    "kind",
    "feature",
    "value",
    "source",
]
# Made of published tables, so nothing in it is of few customers.
FACTS = View(
    Shape(
        "persona_facts",
        population="facts",
        by=("segment_name", "feature", "value"),
        count="fact_count",
    ),
    {
        "label": Column("About"),
        "words": Column("What sets them apart"),
        "own_text": Column("In the segment", "text"),
        "base_text": Column("Of all", "text"),
        "index": Column("Index", "integer"),
        "count_text": Column("Customers", "text"),
        "feature": Column("Column", "text"),
    },
)


def draft_sheets(
    targets: Published,
    sizes: Published,
    *,
    levels: Published,
    traits: Published,
    profile: Published,
    reasons: pd.DataFrame,
    people: pd.DataFrame,
    plan: Plan,
) -> list[Persona]:
    """Draft the personas from the published tables.

    Parameters
    ----------
    targets, sizes : Published
        The segments by their scores, the best first, and their sizes.
    levels, traits : Published
        The levels of the customer table's columns, and those of `keep_counted`.
    profile : Published
        The means of each column.
    reasons : pandas.DataFrame
        What the survey says of reasons, as it was published.
    people : pandas.DataFrame
        One row a customer, see `segkit.action.personas.join_people`.
    plan : Plan
    """
    chosen = choose_segments(targets.frame, most=plan.personas.most)
    others = [table for table in (traits.frame, read_reasons(reasons, plan)) if len(table)]
    told = pd.concat(others) if others else traits.frame
    named = {CUSTOMERS: levels.frame, TRAITS: told}
    return draft_personas(
        chosen,
        sizes.frame,
        list_facts(named, profile.frame, personas=plan.personas),
        people=people,
        plan=plan.personas,
        is_account=plan.unit == "account",
        smallest_cell=plan.privacy.smallest_cell,
    )


def list_told(personas: Sequence[Persona], profile: Published, *, plan: Plan) -> pd.DataFrame:
    """Return what all sheets tell, a row a fact, in words and as written; see `FACTS`.

    ``own_text`` and ``base_text`` are the share or the mean in the segment and of all customers,
    ``by_few`` says whether one or two customers make a mean.
    """
    labels = {**label_traits(plan), **plan.list_labels()}
    rows = [
        _word_fact(row, persona, profile, labels)
        for persona in personas
        for row in persona.facts.to_dict("records")
    ]
    if not rows:
        return empty_table(SHEET_COLUMNS, NOTHING)
    return pd.DataFrame(rows)[SHEET_COLUMNS]


def list_sheets(
    personas: Sequence[Persona], sizes: Published, facts: Published, *, profile: Published
) -> list[tuple[Persona, list[Finding]]]:
    """Return each persona with what its sheet says in sentences.

    ``facts`` is what `list_told` returned, published.
    """
    return [
        (persona, state_persona(persona, sizes, facts, profile=profile)) for persona in personas
    ]


def lay_out_sheets(
    sheets: Sequence[tuple[Persona, list[Finding]]], facts: Published
) -> list[Exhibit]:
    """Return the sheets, each beginning a page: sentences, the picture, and all facts."""
    shown = []
    for persona, told in sheets:
        shown.append(Exhibit(thing=told, title=persona.title, starts_page=True))
        if persona.facts.empty:
            continue
        own = facts.keep(facts.frame["segment_name"] == persona.segment_name)
        name = persona.given_name
        caption = (
            f"{name} in petals: as long as the segment differs, blue more and brown less than all."
        )
        shown.append(
            Exhibit(thing=plot_persona(own, title=f"What sets {name} apart"), caption=caption)
        )
        about = f"What is told of {name}, with what it rests on"
        shown.append(Exhibit(thing=_order_facts(own), caption=about))
    return shown


def list_findings(sheets: Sequence[tuple[Persona, list[Finding]]]) -> list[Finding]:
    """Return all that the sheets say in sentences."""
    return [finding for _, told in sheets for finding in told]


def _order_facts(own: Published) -> Published:
    """Return the facts of one sheet in the order of its headings."""
    order = {heading.name: number for number, heading in enumerate(HEADINGS)}
    ranked = own.frame.assign(order=own.frame["heading"].map(order))
    return own.keep(ranked.sort_values(["order", "place"], kind="stable").drop(columns="order"))


def _word_fact(
    row: dict[str, Any], persona: Persona, profile: Published, labels: Labels
) -> dict[str, Any]:
    """Return a fact with its words and its figures as they are written."""
    headings = {heading.name: heading.name_for(persona.whom) for heading in HEADINGS}
    by_few = False
    if row["kind"] == MEAN:
        words = tell_end(row["feature"], is_more=row["strength"] > 0, labels=labels)
        write = _choose_writing(row["feature"], profile.currency)
        by_few = bool(is_carried(persona.segment_name, row["feature"], profile))
    else:
        words = tell_level(row["feature"], _read_level(row["value"]), labels)
        write = format_share
    return {
        **row,
        "given_name": persona.given_name,
        "label": headings[row["heading"]],
        "words": words,
        "own_text": write(row["figure"]),
        "base_text": write(row["base_figure"]),
        "count_text": _write_count(row),
        "by_few": by_few,
    }


def _write_count(row: Mapping[str, Any]) -> str:
    """Write how many customers a fact rests on, and of how many it is known."""
    count, known = (format_number(row[name]) for name in ("customer_count", "known_count"))
    return count if row["kind"] == MEAN else f"{count} of {known}"


def _read_level(value: str) -> str:
    """Return a level as it is told of; a truth is a yes."""
    return "yes" if value == "True" else value


def _choose_writing(feature: str, currency: str) -> Any:
    """Return how a mean of a feature is written: as a share, as money, or as a number."""
    unit = find_words(feature).unit
    if unit == "share":
        return format_share
    if unit.startswith("currency"):
        return lambda value: format_money(value, currency)
    return lambda value: format_number(value, 2 if abs(value) < 100 else 0)
