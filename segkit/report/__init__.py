"""What notebooks show: charts, tables and findings, and the offline pages made from them."""

from __future__ import annotations

from importlib import import_module

from segkit.core.rooms import open_room

__all__ = ["STEPS", "show_chart", "show_findings", "show_table"]

STEPS = {
    "01_plan": "Plan",
    "02_market_review": "Market review",
    "03_base_analysis": "Base analysis",
    "04_experience_data": "Experience data",
    "05_analysis": "Analysis",
}
_HOMES = {
    "show_chart": "shared.figures",
    "show_findings": "shared.sentences",
    "show_table": "shared.tables",
}
_find_module, __dir__ = open_room(__name__)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"segkit.report.{_HOMES[name]}"), name)
    return _find_module(name)
