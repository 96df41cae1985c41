"""Sentences on personas; each carries its figure and its count."""

from __future__ import annotations

import pandas as pd

from segkit.report.findings import format_money, format_number, format_share, plural

MONEY_UNITS = ("currency", "currency a year")


def state_persona(persona: dict, *, currency: str = "") -> list[str]:
    """Turn a persona into sentences: who it is, then what sets it apart, strongest first.

    Parameters
    ----------
    persona : dict
        From :func:`segkit.action.personas.draft_persona`.
    currency : str, optional
        For amounts.
    """
    if persona["note"]:
        return [persona["note"]]
    first = f"{plural(persona['customer_count'], 'customer')}"
    if persona["customer_share"] is not None:
        first += f", {format_share(persona['customer_share'])} of all"
    if persona["spend_share"] is not None:
        first += f", with {format_share(persona['spend_share'])} of the spend"
    sentences = [f"{first}."]
    if persona["role"]:
        traits = [
            f"{_name_trait(trait['feature'])} {trait['value']} ({format_share(trait['share'], 0)}, "
            f"n = {format_number(trait['customer_count'])})"
            for trait in persona["role"]
        ]
        sentences.append(f"Most often: {'; '.join(traits)}.")
    rows = persona["statements"].to_dict("records")
    sentences += [state_statement(row, currency=currency) for row in rows]
    if not rows:
        sentences.append("Nothing else sets this segment clearly apart from all customers.")
    return sentences


def state_statement(row: dict, *, currency: str = "") -> str:
    """Write one statement with its evidence."""
    count = f"n = {format_number(row['customer_count'])}"
    if row["value"]:
        return (
            f"{_name_trait(row['feature']).capitalize()} {row['value']}: "
            f"{format_share(row['figure'])}, against {format_share(row['base_figure'])} of all "
            f"customers ({count})."
        )
    figure, base = (
        _write_figure(row[name], row["unit"], currency) for name in ("figure", "base_figure")
    )
    return f"{row['meaning']}: {figure} on average, against {base} ({count})."


def list_evidence(personas: list[dict], *, currency: str = "") -> pd.DataFrame:
    """Return all statements as a table to read: segment_name, rank, statement, strength, n."""
    rows = [
        (
            persona["segment_name"],
            row["rank"],
            state_statement(row, currency=currency),
            row["strength"],
            row["customer_count"],
        )
        for persona in personas
        for row in persona["statements"].to_dict("records")
    ]
    columns = ["segment_name", "rank", "statement", "strength", "customer_count"]
    return pd.DataFrame(rows, columns=columns)


def _name_trait(feature: str) -> str:
    return str(feature).replace("_", " ")


def _write_figure(value: float, unit: str, currency: str) -> str:
    if unit == "share":
        return format_share(value)
    if unit in MONEY_UNITS:
        return format_money(value, currency)
    decimals = 0 if abs(value) >= 100 else 1
    return f"{format_number(value, decimals)} {unit}".strip()
