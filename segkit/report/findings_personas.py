"""Sentences on a persona; each carries its figure and its count."""

from __future__ import annotations

from segkit.features.own import describe_feature
from segkit.report.figures import write_value
from segkit.report.findings import format_number, format_share, plural


def state_persona(persona: dict, *, currency: str = "") -> list[str]:
    """Turn what :func:`segkit.action.personas.draft_persona` returned into sentences.

    Who it is comes first, then what sets it apart, strongest first.
    """
    if persona["note"]:
        return [persona["note"]]
    count, share = plural(persona["customer_count"], "customer"), persona.get("spend_share")
    spend = "" if share is None else f", with {format_share(share)} of the spend"
    sentences = [f"{count}, {format_share(persona['customer_share'])} of all{spend}."]
    traits = [
        f"{_name_trait(row.feature)} {row.value} ({format_share(row.figure, 0)}, "
        f"n = {format_number(row.customer_count)})"
        for row in persona["role"].itertuples()
    ]
    if traits:
        sentences.append(f"Most often: {'; '.join(traits)}.")
    sentences += [_state(row, currency) for row in persona["statements"].itertuples()]
    if persona["statements"].empty:
        sentences.append("Nothing else sets this segment clearly apart from all customers.")
    return sentences


def _state(row, currency: str) -> str:
    count = f"(n = {format_number(row.customer_count)})"
    if row.value:
        figure, base = format_share(row.figure), format_share(row.base_figure)
        name = _name_trait(row.feature).capitalize()
        return f"{name} {row.value}: {figure}, against {base} of all customers {count}."
    feature = describe_feature(row.feature)
    kind = "share" if feature.unit == "share" else "number"
    kind = "money" if feature.unit.startswith("currency") else kind
    unit = f" {feature.unit}" if kind == "number" and feature.unit else ""
    figure, base = (write_value(v, kind, currency) for v in (row.figure, row.base_figure))
    return f"{feature.meaning}: {figure}{unit} on average, against {base} {count}."


def _name_trait(feature: str) -> str:
    return feature.replace("_", " ")
