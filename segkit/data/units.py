"""Numbers with a unit beside them: a per cent sign, or the sign or the code of a currency."""

from __future__ import annotations

from segkit.contract.definitions import Column
from segkit.core.errors import SegkitError
from segkit.data.columns import Source
from segkit.data.notices import Notice
from segkit.data.texts import NO_NUMBER, empty_text, trim_column

CODES = (
    *("AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP"),
    *("EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NGN"),
    *("NOK", "NZD", "PHP", "PKR", "PLN", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY"),
    *("TWD", "UAH", "USD", "VND", "ZAR"),
)
# One currency under more than one sign; a dollar may be of many countries.
SAME = {"€": "EUR", "£": "GBP", "US$": "USD", "₹": "INR", "₽": "RUB", "₺": "TRY", "zł": "PLN"}
_WORDS = r"kr\.?|zł|Kč|Ft|Fr\.|lei|Rs\.?|R\$"
CURRENCY = rf"[A-Z]{{0,2}}\p{{Sc}}|{'|'.join(CODES)}|{_WORDS}"
PERCENT = "%|‰"
_NEGATIVE = r"[(][0-9][0-9.,'' ]*[)]|[0-9][0-9.,'' ]*[-−]|[−–][0-9][0-9.,'' ]*"
_BLANK = r"[ \x{A0}\x{202F}]*"
_DIGITS = r"[0-9.,][-+0-9.,'’ \x{A0}\x{202F}eE]*"


def find_unit(text: str, *, percent: bool = True) -> str:
    """Return the expression of the unit beside the one number of a text; empty where none is."""
    suffix = f"{CURRENCY}|{PERCENT}" if percent else CURRENCY
    before = f"^[+-]?({CURRENCY}){_BLANK}[+-]?{_DIGITS}$"
    after = f"^[+-]?{_DIGITS}?{_BLANK}({suffix})$"
    return (
        f"coalesce(nullif(regexp_extract({text}, '{_escape(before)}', 1), ''), "
        f"regexp_extract({text}, '{_escape(after)}', 1))"
    )


def drop_unit(text: str) -> str:
    """Return the expression of a text without its unit."""
    unit = f"({_BLANK}({CURRENCY}|{PERCENT}){_BLANK})"
    return f"trim(regexp_replace({text}, '{_escape(unit)}', ''))"


def _escape(pattern: str) -> str:
    return pattern.replace("'", "''")


def name_currency(unit: str) -> str:
    """Return the code of a currency's sign where only one has it, else the sign itself."""
    return SAME.get(unit, unit)


def count_currencies(source: Source, column: Column) -> dict[str, int]:
    """Return how many values of a column have which currency beside the number."""
    text = empty_text("text", NO_NUMBER)
    found = source.con.execute(
        f"""SELECT {find_unit("text", percent=False)} AS unit, count(*)
        FROM (SELECT {text} AS text FROM (
            SELECT {trim_column(column, source.types[column.name])} AS text FROM {source.rows}))
        GROUP BY ALL HAVING unit <> '' ORDER BY count(*) DESC, unit"""
    ).fetchall()
    counts: dict[str, int] = {}
    for unit, count in found:
        name = name_currency(unit)
        counts[name] = counts.get(name, 0) + count
    return counts


def tell_negatives(source: Source, column: Column) -> list[Notice]:
    """Return a warning of negative numbers as accountants write them, which are not read."""
    text = empty_text("text", NO_NUMBER)
    trimmed = trim_column(column, source.types[column.name])
    count = f"count_if(regexp_full_match({text}, '{_NEGATIVE}'))"
    query = f"SELECT {count} FROM (SELECT {trimmed} AS text FROM {source.rows})"
    ((row_count,),) = source.con.execute(query).fetchall()
    if not row_count:
        return []
    return [
        Notice(
            f"negative_{column.name}",
            severity="warning",
            row_count=row_count,
            reason=f"The {column.name.replace('_', ' ')} is negative in brackets or with a sign "
            "that is no minus before it.",
            treatment="Not read as a number. Export it with a minus before it: -12.50.",
        )
    ]


def check_currencies(source: Source, column: Column, *, readable: int) -> list[Notice]:
    """Return what is to say of amounts with a currency beside them, which are not read.

    ``readable`` is how many values of the column are plain numbers.

    Raises
    ------
    SegkitError
        If there are two currencies or more, or no plain number.
    """
    counts = count_currencies(source, column)
    if not counts:
        return []
    where = source.locate(column.name)
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count:,} in {unit}" for unit, count in most_first)
    if len(counts) > 1:
        raise SegkitError(
            "amounts of different currencies stand in one column, and are never added up",
            where=where,
            found=told,
            fix="Leave the orders of one currency, or convert them, and export plain numbers.",
        )
    (unit,) = counts
    if not readable:
        raise SegkitError(
            f"the amounts have '{unit}' beside the number and are not read as numbers",
            where=where,
            found=told,
            fix="Export plain numbers, without the currency.",
        )
    words = column.name.replace("_", " ")
    return [
        Notice(
            f"currency_in_{column.name}",
            severity="warning",
            row_count=counts[unit],
            reason=f"The {words} has '{unit}' beside the number here, and elsewhere not.",
            treatment="Not read as a number. Export plain numbers of one currency.",
        )
    ]
