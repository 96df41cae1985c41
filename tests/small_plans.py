"""Plans for tests, made in the twinkling of an eye."""

from __future__ import annotations

import re
from pathlib import Path

from segkit.plan.models import Plan

RETAIL_COLUMNS = {
    "order_id": "InvoiceNo",
    "product_id": "StockCode",
    "customer_id": "CustomerID",
    "ordered_at": "InvoiceDate",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
    "description": "Description",
    "country": "Country",
}
HEADER = "order_id,product_id,customer_id,ordered_at,quantity,unit_price"
GOOD_LINES = (
    "1,P1,C1,2024-01-05,2,10.00",
    "2,P1,C2,2024-02-05,1,10.00",
    "3,P2,C1,2024-03-05,1,5.50",
)


def make_plan(folder: Path, tables: dict, *, as_of: str = "2024-12-31", **others) -> Plan:
    """Return a plan that lies in ``folder``; a table may be given as its path alone."""
    specs = {
        name: {"path": str(spec)} if isinstance(spec, str | Path) else spec
        for name, spec in tables.items()
    }
    settings = {
        "name": "test",
        "title": "Test",
        "owner": "Nobody",
        "scope": "All",
        "target_market": "All",
        "budget": "None",
        "deliverables": ("A list",),
        "as_of": as_of,
        "currency": "EUR",
        "goals": [{"name": "keep", "text": "Keep", "kpi": "total_spend"}],
        "schemes": [{"name": "tiers", "goal": "keep", "base": "value", "method": "tiers"}],
        "tables": specs,
        "path": folder / "plan.toml",
    }
    return Plan.model_validate(settings | others)


def write_lines(folder: Path, *lines: str, name: str = "lines.csv", header: str = HEADER) -> Path:
    """Write order lines as CSV; three good ones if none are given."""
    path = folder / name
    path.write_text("\n".join([header, *(lines or GOOD_LINES)]) + "\n", encoding="utf-8")
    return path


def shorten_plan(text: str) -> str:
    """Let the schemes of the sample's plan try fewer numbers of segments, to save time."""
    for many, few in (("[2, 6]", "[2, 3]"), ("[3, 5]", "[3, 4]")):
        assert f"segments = {many}" in text
        text = text.replace(f"segments = {many}", f"segments = {few}")
    return text


def keep_schemes(text: str, *names: str) -> str:
    """Leave only these schemes in a plan, where no more are needed for what is tested."""
    parts = re.split(r"(?=^\[\[schemes\]\]$|^# What a scheme must meet)", text, flags=re.M)
    wanted = [f'name = "{name}"' for name in names]
    kept = [p for p in parts if not p.startswith("[[schemes]]") or p.split("\n")[1] in wanted]
    assert sum(part.startswith("[[schemes]]") for part in kept) == len(names)
    return "".join(kept)
