"""What is said of prices: each sentence from published tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.action.pricing.lines import RECORDED, Priced
from segkit.action.pricing.paid import EVERYBODY
from segkit.action.pricing.response import EVERYTHING
from segkit.core.findings import Finding
from segkit.core.privacy import Published
from segkit.report.by_segment import RESTS_ON
from segkit.report.pricing import POINT_WORDS, Tables
from segkit.report.shared.sentences import explain_absence, write_finding

MOST_GROUPS = 3  # product groups of which an elasticity is told beside that of all products
OF_ALL = ("discount_share", "on_offer_share")
OF_SEGMENTS = ("price_index", *OF_ALL)


def state_paid(tables: Tables, *, priced: Priced) -> list[Finding]:
    """Say how much was bought with a discount, and which segments pay another price."""
    if tables.paid.empty:
        return [explain_absence(tables.paid)]
    told = []
    is_recorded = priced.regular_from == RECORDED
    for row in _list_known(tables.paid_all, *(OF_ALL if is_recorded else OF_ALL[1:])):
        kind = "all_recorded" if is_recorded else "all_usual"
        told.append(_state_paid(tables.paid_all, row, kind))
    differing = tables.paid.frame["differs"].map(_is_true)
    known = _list_known(tables.paid, "price_index")
    for row in [row for row in known if _is_true(row["differs"])]:
        kind = "more" if row["price_index"] > 1 else "less"
        told.append(_state_paid(tables.paid, row, kind))
    if not differing.any() and len(differing) > 1:
        told.append(write_finding("pricing.paid.alike"))
    return told


def _state_paid(table: Published, row: dict[str, Any], kind: str) -> Finding:
    place = {"segment_name": row["segment_name"]}
    figures = [
        table.read_figure(name, where=place, kind="share", interval=(f"{name}_low", f"{name}_high"))
        for name in (OF_SEGMENTS if kind in ("more", "less") else OF_ALL)
    ]
    figures.append(table.read_figure("compared_share", where=place, kind="share", decimals=0))
    count = table.read_figure(RESTS_ON, where=place, kind="count")
    return write_finding(f"pricing.paid.{kind}", [*figures, count], count=count, words=place)


def state_response(tables: Tables) -> list[Finding]:
    """Say how purchases go with prices: all products first, then the groups most is known of."""
    told = _state_changes(tables.changes)
    tests = {row["product_group"]: row for row in tables.tests.frame.to_dict("records")}
    for group, row in tests.items():
        if _is_true(row["moved_before"]):
            told.append(
                write_finding("pricing.response.moved", words={"product_group": _capitalise(group)})
            )
    known = _list_known(tables.elasticities_all, "elasticity")
    if not known:
        return (
            told
            if any(_is_true(row["moved_before"]) for row in tests.values())
            else [*told, explain_absence(tables.elasticities_all)]
        )
    known = sorted(known, key=lambda row: row["elasticity_high"] - row["elasticity_low"])
    whole = [row for row in known if row["product_group"] == EVERYTHING]
    others = [row for row in known if row["product_group"] != EVERYTHING]
    for row in [*whole, *others[:MOST_GROUPS]]:
        told.append(_state_elasticity(tables.elasticities_all, row))
        test = tests[row["product_group"]]
        if not pd.isna(test["p_value"]):
            told.append(_state_test(tables.tests, test))
    return told


def _state_changes(changes: Published) -> list[Finding]:
    """Say of how many products the price changed at all."""
    place = {"product_group": EVERYTHING}
    if changes.empty or not (changes.frame["product_group"] == EVERYTHING).any():
        return []
    names = ("product_count", "changed_count", "offers_only_count")
    units = ("product", "", "")
    figures = [
        changes.read_figure(name, where=place, kind="count", unit=unit)
        for name, unit in zip(names, units, strict=True)
    ]
    return [write_finding("pricing.response.changes", figures)]


def _state_elasticity(table: Published, row: dict[str, Any]) -> Finding:
    place = {"product_group": row["product_group"]}
    ends = ("elasticity_low", "elasticity_high")
    kind = "none"
    if _is_true(row["is_shown"]):
        kind = "less" if row["elasticity"] < 0 else "more"
    count = table.read_figure(RESTS_ON, where=place, kind="count")
    figures = [
        table.read_figure("elasticity", where=place, decimals=2, interval=ends),
        table.read_figure("changed_count", where=place, kind="count", unit="product"),
        count,
    ]
    words = {"product_group": _capitalise(row["product_group"])}
    return write_finding(f"pricing.response.{kind}", figures, count=count, words=words)


def _state_test(table: Published, row: dict[str, Any]) -> Finding:
    place = {"product_group": row["product_group"]}
    figures = [
        table.read_figure("segment_count", where=place, kind="count"),
        table.read_figure("f", where=place, decimals=1),
        table.read_figure("p_value", where=place, decimals=3),
        table.read_figure("adjusted_p_value", where=place, decimals=3),
    ]
    kind = "differ" if _is_true(row["differs"]) else "alike"
    count = table.read_figure(RESTS_ON, where=place, kind="count")
    words = {"product_group": _capitalise(row["product_group"])}
    return write_finding(f"pricing.response.{kind}", figures, count=count, words=words)


def state_break_even(tables: Tables) -> list[Finding]:
    """Say what discounts have to bring, among all customers."""
    table = tables.break_even_all
    if table.empty:
        return [explain_absence(table)]
    told = []
    for row in _list_known(table, "margin"):
        told += _state_discount(table, row)
    return [*told, write_finding("pricing.break_even.not_measured")] if told else []


def _state_discount(table: Published, row: dict[str, Any]) -> list[Finding]:
    place = {"discount": row["discount"]}
    count = table.read_figure(RESTS_ON, where=place, kind="count")
    known = {
        name: table.read_figure(name, where=place, kind="share", decimals=decimals)
        for name, decimals in (("discount", 0), ("margin", 1), ("in_full_share", 1))
    }
    if pd.isna(row["needed_rise"]):
        figures = [known["discount"], known["margin"], count]
        return [write_finding("pricing.break_even.never", figures, count=count)]
    needed = table.read_figure("needed_rise", where=place, kind="share", decimals=0)
    told = [
        write_finding("pricing.break_even.needed", [*known.values(), needed, count], count=count)
    ]
    if not pd.isna(row["rise"]):
        ends = ("rise_low", "rise_high")
        rise = table.read_figure("rise", where=place, kind="share", decimals=0, interval=ends)
        figures = [known["discount"], rise, needed, count]
        told.append(write_finding("pricing.break_even.beside", figures, count=count))
    return told


def state_survey(tables: Tables) -> list[Finding]:
    """Say which prices the survey names, among all who answered."""
    if tables.points.empty:
        return [explain_absence(tables.points)]
    told = []
    frame = tables.points.frame
    known = frame[(frame["segment_name"] == EVERYBODY) & frame["price"].notna()]
    for product, own in known.groupby("product", sort=False):
        there = set(own["point"])
        sentences = {
            "points": {
                "optimal": "optimal_price",
                "lowest": "marginal_cheapness",
                "highest": "marginal_expensiveness",
            },
            "best": {"buyers": "most_buyers_price", "revenue": "most_revenue_price"},
        }
        for kind, wanted in sentences.items():
            if {POINT_WORDS[point] for point in wanted.values()} <= there:
                told.append(_state_points(tables.points, product, kind, wanted))
    return told


def _state_points(table: Published, product: str, kind: str, wanted: dict[str, str]) -> Finding:
    place = {"product": product, "segment_name": EVERYBODY}
    ends = ("price_low", "price_high")
    figures = []
    for name, point in wanted.items():
        at = place | {"point": POINT_WORDS[point]}
        figures.append(table.read_figure("price", where=at, kind="money", name=name, interval=ends))
    count = table.read_figure("answer_count", where=at, kind="count")
    words = {"product": product}
    return write_finding(f"pricing.survey.{kind}", [*figures, count], count=count, words=words)


def _list_known(table: Published, *columns: str) -> list[dict[str, Any]]:
    """Return the rows of which figures are known and shown, with their intervals."""
    if table.empty:
        return []
    ends = [f"{column}_low" for column in columns]
    wanted = [name for name in (*columns, *ends) if name in table.frame]
    return table.frame.dropna(subset=wanted).to_dict("records")


def _is_true(value: object) -> bool:
    return bool(not pd.isna(value) and value)


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
