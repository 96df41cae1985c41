"""Sentences on a persona; each carries its figure and its count."""

from __future__ import annotations

from segkit.features.own_features import describe_feature
from segkit.report.old_sentences import write_sentences


def state_persona(persona: dict, *, currency: str = "") -> list[str]:
    """Turn what :func:`segkit.action.personas.draft_persona` returned into sentences.

    Who it is comes first, then what sets it apart, strongest first.
    """
    tables = (persona.get(name) for name in ("role", "statements"))
    role, statements = ([] if t is None else t.to_dict("records") for t in tables)
    values = {"persona": persona, "role": role, "currency": currency}
    rows = [{**row, **_describe(row["feature"])} for row in statements]
    return write_sentences("personas.persona", statements=rows, **values)


def _describe(name: str) -> dict[str, str]:
    """Return what a feature means, how its figures are written, and the unit behind them."""
    feature = describe_feature(name)
    kind = "share" if feature.unit == "share" else "number"
    kind = "money" if feature.unit.startswith("currency") else kind
    unit = f" {feature.unit}" if kind == "number" and feature.unit else ""
    return {"meaning": feature.meaning, "kind": kind, "unit": unit}
