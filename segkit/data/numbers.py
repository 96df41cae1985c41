"""Numbers as texts write them, with the plan's decimal mark and thousands apart."""

from __future__ import annotations


def convert_number(text: str, mark: str) -> str:
    """Read numbers with the plan's decimal mark, also with thousands apart."""
    other = "." if mark == "," else ","
    separators = rf"[ ''\x{{A0}}\x{{202F}}{other}]"
    grouped = rf"[+-]?[0-9]{{1,3}}({separators}[0-9]{{3}})+([{mark}][0-9]*)?"
    return f"""TRY_CAST(replace(CASE
        WHEN NOT regexp_matches({text}, '[^-+.,0-9eE]|[{other}]') THEN {text}
        WHEN regexp_full_match({text}, '{grouped}')
        THEN regexp_replace({text}, '{separators}', '', 'g') END, '{mark}', '.') AS DOUBLE)"""
