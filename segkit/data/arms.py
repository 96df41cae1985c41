"""Which arm of a campaign each message belongs to: spellings become the plan's names.

An arm that the plan does not name is refused. To let it pass as a message that was sent would
count people who got nothing among those who did not open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segkit.core.errors import SegkitError
from segkit.data.columns import Source, text_literal
from segkit.data.notices import LONGEST_VALUE, MOST_VALUES, list_values, quote_toml
from segkit.plan.campaigns import CONTROL
from segkit.plan.statuses import fold_words

ARM = "arm"
MOST_ARMS = 100  # a column with more values says something else


def name_arms(source: Source) -> str:
    """Return the expression of a message's arm by its name in the plan, null where there is none.

    Raises
    ------
    SegkitError
        If a value is no spelling of an arm, with the line to write.
    """
    text = f"text_{ARM}"
    found = source.con.execute(
        f"""SELECT {text}::VARCHAR AS arm, count(*) AS count FROM texts_{source.name}
        WHERE {text} IS NOT NULL GROUP BY ALL ORDER BY count DESC, arm LIMIT {MOST_ARMS + 1}"""
    ).fetchall()
    if len(found) > MOST_ARMS:
        raise SegkitError(
            "the arm has more values than a campaign has arms",
            where=source.locate(ARM),
            found=f"more than {MOST_ARMS} values, such as {list_values(found[:MOST_VALUES])}",
            fix=f'Map the column of the arm, or leave it out: {ARM} = "".',
        )
    unknown = [(value, count) for value, count in found if fold_words(value) not in source.arms]
    if unknown:
        raise _refuse_arms(source, unknown)
    cases = [
        f"WHEN {text_literal(value)} THEN {text_literal(source.arms[fold_words(value)])}"
        for value, _ in found
    ]
    return f"CASE {text}::VARCHAR {' '.join(cases)} END" if cases else f"{text}::VARCHAR"


def _refuse_arms(source: Source, unknown: list[tuple[str, int]]) -> SegkitError:
    """Return the fault of arms that the plan does not name."""
    line = suggest_arms((value for value, _ in unknown[:MOST_VALUES]), source.arms)
    return SegkitError(
        "the plan does not name these arms of campaigns",
        where=source.locate(ARM),
        found=f"{list_values(unknown)}; it knows {', '.join(dict.fromkeys(source.arms.values()))}",
        fix=f"Name every arm under [campaigns], and put what nobody was sent under {CONTROL}: "
        f"{line}",
    )


def suggest_arms(unknown: Iterable[str], arms: Mapping[str, str]) -> str:
    """Return the line of a plan that keeps its arms and names the unknown ones.

    Examples
    --------
    >>> suggest_arms(["No E-Mail"], {"control": "control", "holdout": "control"})
    'arms = { control = ["holdout"], no_e_mail = ["No E-Mail"] }'
    """
    spellings: dict[str, list[str]] = {}
    for spelling, arm in arms.items():
        spellings.setdefault(arm, [])
        if spelling != fold_words(arm):
            spellings[arm].append(quote_toml(spelling))
    for value in unknown:
        key = "_".join("".join(s if s.isalnum() else " " for s in fold_words(value)).split())
        key = key[:LONGEST_VALUE].strip("_") if key.isascii() and key else quote_toml(value)
        spellings.setdefault(key, []).append(quote_toml(value))
    named = (f"{_quote_key(arm)} = [{', '.join(words)}]" for arm, words in spellings.items())
    return f"arms = {{ {', '.join(named)} }}"


def _quote_key(name: str) -> str:
    """Write a name as a key of TOML: in quotation marks where it needs them."""
    is_bare = name.isascii() and all(sign.isalnum() or sign in "_-" for sign in name)
    return name if is_bare or name.startswith('"') else quote_toml(name)
