"""A running number of an order's lines under the name of a quantity."""

from __future__ import annotations

from segkit.data.columns import Source
from segkit.data.notices import Notice

FIRST_LINES = 10_000  # show whether the rest is worth a look
FEWEST_ORDERS = 5  # of two lines or more
NEARLY_ALL = 0.95  # of these orders


def find_running_quantity(source: Source, query: str) -> list[Notice]:
    """Return a warning where quantities count the lines of each order: 1, 2, 3 and so on.

    ``query`` gives the converted lines. Such a column is the line's number; as a quantity it
    counts the second line twice and the third three times.
    """
    if source.name != "order_lines" or not {"order_id", "quantity"} <= set(source.types):
        return []
    for lines in (f"(FROM ({query}) LIMIT {FIRST_LINES})", f"({query})"):
        running, orders, line_count = _count_running(source, lines)
        if orders < FEWEST_ORDERS or running < NEARLY_ALL * orders:
            return []
    return [
        Notice(
            "running_quantity",
            severity="warning",
            row_count=line_count,
            reason=(
                f"The quantity, '{source.columns['quantity']}', counts the lines of each order: "
                "1, 2, 3."
            ),
            treatment="Kept as a quantity; map another column if it is the line's number.",
        )
    ]


def _count_running(source: Source, lines: str) -> tuple[int, int, int]:
    """Return in how many orders of several lines quantities run, how many there are, and lines."""
    is_running = (
        "count(DISTINCT quantity) = count(*) AND min(quantity) = 1 AND max(quantity) = count(*)"
    )
    query = f"""SELECT count(*) AS line_count, {is_running} AS is_running
        FROM (SELECT order_id, quantity FROM {lines}) WHERE order_id IS NOT NULL
        GROUP BY order_id HAVING count(*) > 1"""
    counts = "count(*) FILTER (is_running), count(*), coalesce(sum(line_count), 0)::BIGINT"
    return source.con.execute(f"SELECT {counts} FROM ({query})").fetchall()[0]
