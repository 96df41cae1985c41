"""A persona in sentences; each carries its figure and its count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from segkit.action.personas import Persona, draft_persona
from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.features.wording import capitalise, find_words, name_features, tell_end, tell_level
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding


def choose_first(sizes: Published) -> str:
    """Return the first segment: the most valuable, or else the largest; "" if none is shown."""
    if sizes.empty:
        return ""
    return str(sizes.frame["segment_name"].iloc[0])


def draft_first(sizes: Published, profile: Published, levels: Published) -> Persona:
    """Draft the persona of the first segment from the published tables."""
    return draft_persona(choose_first(sizes), sizes.frame, profile.frame, descriptors=levels.frame)


def state_persona(
    persona: Persona, sizes: Published, profile: Published, *, levels: Published
) -> list[Finding]:
    """Turn a persona into sentences: who it is, then what sets it apart, strongest first.

    ``sizes``, ``profile`` and ``levels`` are the published tables that it was drafted from.
    """
    if sizes.empty:
        return [explain_absence(sizes)]
    if persona.note:
        return [_explain_note(persona)]
    told = [_state_size(persona.segment_name, sizes)]
    told += _state_role(persona, levels)
    for row in _skip_repeated(persona.statements, profile):
        if row["value"]:
            told.append(_state_share(persona.segment_name, row, levels))
        else:
            told.append(_state_mean(persona.segment_name, row["feature"], profile))
    if persona.statements.empty:
        told.append(_explain_nothing(persona.segment_name, profile, levels))
    return told


def _skip_repeated(statements: pd.DataFrame, profile: Published) -> list[dict[str, Any]]:
    """Return the statements without those that say the same of another column once more."""
    kept = {}
    for row in statements.to_dict("records"):
        is_more = row["strength"] > 0
        said = tell_end(row["feature"], is_more=is_more, labels=profile.labels)
        kept.setdefault(row["feature"] if row["value"] else said, row)
    return list(kept.values())


def _explain_nothing(segment_name: str, profile: Published, levels: Published) -> Finding:
    """Say why nothing sets a segment apart: what could is hidden, or there is nothing."""
    for table in (profile, levels):
        own = table.frame[table.frame["segment_name"] == segment_name]
        if hidden := explain_silence(table, own):
            return hidden
    return write_finding("personas.persona.nothing_else")


def _explain_note(persona: Persona) -> Finding:
    """Say why a segment is not described."""
    words = {"note": persona.note}
    if persona.note.startswith("fewer"):
        return write_finding("personas.persona.too_few", words=words)
    return write_finding("personas.persona.not_described", words=words)


def _state_size(segment_name: str, sizes: Published) -> Finding:
    where = {"segment_name": segment_name}
    count = sizes.read_figure("customer_count", where=where, kind="count", unit="customer")
    share = sizes.read_figure("customer_share", where=where, kind="share")
    if "spend_share" not in sizes.frame:
        return write_finding("personas.persona.size", [count, share], count=count)
    spend = sizes.read_figure("spend_share", where=where, kind="share")
    return write_finding("personas.persona.size_and_spend", [count, share, spend], count=count)


def _state_role(persona: Persona, levels: Published) -> list[Finding]:
    """Say which values are more common than among all, which less, and where it is no different."""
    role = persona.role
    more = role[role["strength"] > 0]
    told = [
        _state_traits(f"personas.persona.{name}", rows, persona.segment_name, levels)
        for name, rows in (("role", more), ("role_less", role.drop(more.index)))
        if len(rows)
    ]
    if persona.alike:
        words = {"features": join_words(name_features(persona.alike, levels.labels))}
        told.append(write_finding("personas.persona.alike", words=words))
    return told


def _state_traits(kind: str, rows: pd.DataFrame, segment_name: str, levels: Published) -> Finding:
    """Say in one sentence how common some values are, here and among all."""
    parts = []
    for row in rows.to_dict("records"):
        share = _read_level(segment_name, row, levels, column="share")
        base = _read_level(segment_name, row, levels, column="base_share")
        count = _read_count(segment_name, row, levels)
        words = {"who": tell_level(row["feature"], row["value"], levels.labels)}
        figures = [share, base, count]
        parts.append(write_finding("personas.persona.role_part", figures, words=words))
    read = [figure for part in parts for figure in part.figures]
    words = {"parts": "; ".join(part.text for part in parts)}
    return write_finding(kind, read, count=int(rows["customer_count"].min()), words=words)


def _state_share(segment_name: str, row: dict[str, Any], levels: Published) -> Finding:
    count = _read_count(segment_name, row, levels)
    return write_finding(
        "personas.persona.share",
        [
            _read_level(segment_name, row, levels, column="share"),
            _read_level(segment_name, row, levels, column="base_share"),
            count,
        ],
        count=count,
        words={"who": capitalise(tell_level(row["feature"], row["value"], levels.labels))},
    )


def _read_level(
    segment_name: str, row: dict[str, Any], levels: Published, *, column: str
) -> Figure:
    where = {"descriptor": row["feature"], "segment_name": segment_name, "value": row["level"]}
    return levels.read_figure(column, where=where, kind="share")


def _read_count(segment_name: str, row: dict[str, Any], levels: Published) -> Figure:
    where = {"descriptor": row["feature"], "segment_name": segment_name, "value": row["level"]}
    return levels.read_figure("customer_count", where=where, kind="count")


def _state_mean(segment_name: str, feature: str, profile: Published) -> Finding:
    where = {"segment_name": segment_name, "feature": feature}
    count = profile.read_figure("known_count", where=where, kind="count")
    own = (profile.frame["segment_name"] == segment_name) & (profile.frame["feature"] == feature)
    row = profile.frame.index[own][0]
    carried = profile.is_made_by_few("mean", row)
    mean = _read_mean(profile, "mean", where)
    return write_finding(
        "personas.persona.mean_by_few" if carried else "personas.persona.mean",
        [replace(mean, carried=carried), _read_mean(profile, "base_mean", where), count],
        count=count,
        words={"label": capitalise(find_words(feature, profile.labels).label)},
    )


def _read_mean(profile: Published, column: str, where: dict[str, str]) -> Figure:
    """Read a mean as its feature is written: a share, money, or a number of what the label says."""
    unit = find_words(where["feature"]).unit
    if unit == "share":
        return profile.read_figure(column, where=where, kind="share")
    if unit.startswith("currency"):
        return profile.read_figure(column, where=where, kind="money")
    value = profile.read_figure(column, where=where).value
    decimals = 2 if value is not None and abs(value) < 100 else 0
    return profile.read_figure(column, where=where, decimals=decimals)
