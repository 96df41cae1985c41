"""The README's ten lines of Python, and the file of order lines that they read."""

from __future__ import annotations

import re
from pathlib import Path

import segkit

README = Path(__file__).parent.parent / "README.md"


def read_ten_lines() -> list[str]:
    """Return the lines of code that stand under the README's heading."""
    text = README.read_text(encoding="utf-8").partition("## In ten lines of Python\n")[2]
    return re.search(r"```python\n(.+?)```", text, flags=re.S)[1].splitlines()


def write_orders(folder: Path) -> None:
    """Write orders.csv as a shop might have it, its columns under names of its own."""
    names = {"customer_id": "Client", "ordered_at": "Date", "quantity": "Quantity"}
    lines = segkit.load_sample_lines().rename(columns=names)
    lines.to_csv(folder / "orders.csv", index=False, sep=";")
