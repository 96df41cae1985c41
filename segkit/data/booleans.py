"""Yes and no as texts write them."""

from __future__ import annotations

TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "off")


def convert_boolean(text: str) -> str:
    """Return the expression that reads a text as yes or no, null where it is neither."""
    return f"""CASE WHEN lower({text}) IN {TRUE_TEXTS} THEN true
        WHEN lower({text}) IN {FALSE_TEXTS} THEN false END"""
