"""What a persona's sheet says in sentences; each carries its figures and its count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from segkit.action.persona_facts import MEAN
from segkit.action.persona_headings import FIRM, HEADINGS
from segkit.action.persona_names import list_unused
from segkit.action.personas import PICTURE, Persona
from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.features.wording import capitalise, find_words
from segkit.plan.personas import Personas
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, write_finding

MOST_APART = 3
FEWEST_WANTED = 3


def state_persona(
    persona: Persona, sizes: Published, facts: Published, *, profile: Published
) -> list[Finding]:
    """Say who a persona is: its size, a day's picture, what sets it apart, and what is not known.

    Parameters
    ----------
    persona : Persona
    sizes, facts, profile : Published
        The tables that it was drafted from; ``facts`` is what `list_told` returned, published.
    """
    if persona.note:
        return [_explain_note(persona)]
    told = [_state_size(persona, sizes), *_state_picture(persona, facts)]
    told += _state_apart(persona, facts, profile)
    if persona.facts.empty:
        told.append(write_finding("personas.persona.nothing_else"))
    for kind in ("alike", "hidden"):
        names = getattr(persona, kind)
        if names:
            words = {"headings": join_words(_name_headings(names, persona))}
            told.append(write_finding(f"personas.persona.{kind}", words=words))
    if persona.unknown:
        tells = {heading.name: heading.tells for heading in HEADINGS}
        named = zip(_name_headings(persona.unknown, persona), persona.unknown, strict=True)
        parts = [f"{label} ({tells[name]})" for label, name in named]
        words = {"headings": "; ".join(parts)}
        told.append(write_finding("personas.persona.not_known", words=words))
    return told


def state_choice(
    facts: Published, targets: Published, plan: Personas | None = None
) -> list[Finding]:
    """Say how many segments have a persona, and of whom the plan has a name for nobody.

    ``facts`` is what `list_told` returned, published.
    """
    if targets.empty:
        return [explain_absence(targets)]
    rated = targets.read_figure(
        "segment_name", how="different", kind="count", unit="segment", name="rated_count"
    )
    drawn = facts.read_figure("segment_name", how="different", kind="count", name="persona_count")
    kind = "chosen" if int(drawn.value or 0) >= FEWEST_WANTED else "few"
    told = [write_finding(f"personas.choice.{kind}", [rated, drawn])]
    known = [str(name) for name in targets.frame["segment_name"]]
    for name in list_unused(known, plan or Personas()):
        words = {"given_name": (plan or Personas()).names[name], "segment_name": name}
        told.append(write_finding("personas.choice.unused", words=words))
    return told


def _explain_note(persona: Persona) -> Finding:
    """Say why a segment is not described."""
    words = {"note": persona.note}
    if persona.note.startswith("fewer"):
        return write_finding("personas.persona.too_few", words=words)
    return write_finding("personas.persona.not_described", words=words)


def _state_size(persona: Persona, sizes: Published) -> Finding:
    """Say of how many a persona is drawn, and whose name it has."""
    where = {"segment_name": persona.segment_name}
    count = sizes.read_figure("customer_count", where=where, kind="count", unit="customer")
    share = sizes.read_figure("customer_share", where=where, kind="share")
    words = {"given_name": persona.given_name}
    figures = [count, share]
    kind = "size"
    if "spend_share" in sizes.frame:
        figures.append(sizes.read_figure("spend_share", where=where, kind="share"))
        kind = "size_and_spend"
    return write_finding(f"personas.persona.{kind}", figures, count=count, words=words)


def _state_picture(persona: Persona, facts: Published) -> list[Finding]:
    """Draw a day's picture: one sentence of who, one of shopping, one of what is on the mind."""
    rows = persona.facts[persona.facts["sentence"] != ""]
    told = []
    for name in PICTURE:
        part = rows[rows["sentence"] == name]
        if len(part):
            is_decider = name == "who" and persona.whom == FIRM
            kind = f"personas.picture.{name}_firm" if is_decider else f"personas.picture.{name}"
            told.append(_state_parts(kind, part, persona, facts))
    if told:
        told.append(write_finding("personas.picture.blend"))
    return told


def _state_parts(kind: str, rows: pd.DataFrame, persona: Persona, facts: Published) -> Finding:
    """Say in one sentence how common some values are, here and among all."""
    parts = [_state_share(row, persona, facts) for row in rows.to_dict("records")]
    figures = [figure for part in parts for figure in part.figures]
    words = {"given_name": persona.given_name, "parts": join_words([part.text for part in parts])}
    return write_finding(kind, figures, count=int(rows["customer_count"].min()), words=words)


def _state_share(
    row: Mapping[str, Any], persona: Persona, facts: Published, *, kind: str = "part"
) -> Finding:
    """Say how common a value is, here and among all."""
    where = {"segment_name": persona.segment_name, "feature": row["feature"], "value": row["value"]}
    share = facts.read_figure("figure", where=where, kind="share", name="share")
    base = facts.read_figure("base_figure", where=where, kind="share", name="base_share")
    count = facts.read_figure("customer_count", where=where, kind="count")
    words = {"who": _read_words(where, facts)}
    return write_finding(f"personas.persona.{kind}", [share, base, count], count=count, words=words)


def _read_words(where: Mapping[str, Any], facts: Published) -> str:
    """Return the words of a fact as the published table has them."""
    rows = facts.frame
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return str(rows["words"].iloc[0])


def _state_apart(persona: Persona, facts: Published, profile: Published) -> list[Finding]:
    """Say what sets a persona apart most, beside what its picture tells."""
    rest = persona.facts[persona.facts["sentence"] == ""]
    order = rest["strength"].abs().sort_values(ascending=False, kind="stable").index
    told = []
    for row in rest.loc[order].head(MOST_APART).to_dict("records"):
        if row["kind"] == MEAN:
            told.append(state_mean(persona.segment_name, row["feature"], profile))
        else:
            kind = "share" if row["strength"] > 0 else "share_less"
            told.append(_state_share(row, persona, facts, kind=kind))
    return told


def state_mean(segment_name: str, feature: str, profile: Published) -> Finding:
    """Say what a mean is, here and among all, and whether one or two customers make it."""
    where = {"segment_name": segment_name, "feature": feature}
    count = profile.read_figure("known_count", where=where, kind="count")
    carried = is_carried(segment_name, feature, profile)
    mean = _read_mean(profile, "mean", where)
    return write_finding(
        "personas.persona.mean_by_few" if carried else "personas.persona.mean",
        [replace(mean, carried=carried), _read_mean(profile, "base_mean", where), count],
        count=count,
        words={"label": capitalise(find_words(feature, profile.labels).label)},
    )


def is_carried(segment_name: str, feature: str, profile: Published) -> bool | None:
    """Return whether one or two customers make a segment's mean; None where it is not known."""
    own = (profile.frame["segment_name"] == segment_name) & (profile.frame["feature"] == feature)
    return profile.is_made_by_few("mean", profile.frame.index[own][0])


def _read_mean(profile: Published, column: str, where: Mapping[str, str]) -> Figure:
    """Read a mean as its feature is written: a share, money, or a number of what the label says."""
    unit = find_words(where["feature"]).unit
    if unit == "share":
        return profile.read_figure(column, where=where, kind="share")
    if unit.startswith("currency"):
        return profile.read_figure(column, where=where, kind="money")
    value = profile.read_figure(column, where=where).value
    decimals = 2 if value is not None and abs(value) < 100 else 0
    return profile.read_figure(column, where=where, decimals=decimals)


def _name_headings(names: Sequence[str], persona: Persona) -> list[str]:
    """Return what headings are called in the middle of a sentence."""
    labels = {heading.name: heading.name_for(persona.whom) for heading in HEADINGS}
    return [labels[name][:1].lower() + labels[name][1:] for name in names]
