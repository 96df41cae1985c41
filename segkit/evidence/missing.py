"""What a missing table could have answered, and where to find it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import pandas as pd

# What each table answers, and where to find it.
ANSWERS = {
    "order_lines": ("What each segment buys, and in which months", "The till or the web shop"),
    "orders": ("Which channels and campaigns are behind the purchases", "The order system"),
    "customers": ("Who the customers are and where they live", "The customer register or the CRM"),
    "products": ("Which categories each segment buys", "The product register"),
    "events": ("How each segment uses the site, and on which device", "The web analytics export"),
    "messages": ("Who opens, clicks and unsubscribes", "The mail tool's log"),
    "tickets": ("What each segment asks support for, and how long it waits", "The help desk"),
    "responses": ("What the segments say themselves", "Surveys, reviews and quizzes"),
    "market_cells": ("Our share of each cell, and the white space", "Statistics, market reports"),
    "competitors": ("Who else serves each cell, and how", "Annual reports, trade press"),
    "trends": ("Where the industry is going", "Statistics offices, trade associations"),
}


def describe_missing(tables: Mapping[str, ibis.Table], names: Collection[str]) -> pd.DataFrame:
    """Say of each named table: state (missing, empty, there), row_count, answers and collect."""
    rows = []
    for name in names:
        count = int(tables[name].count().execute()) if name in tables else 0
        state = "there" if count else "empty" if name in tables else "missing"
        rows.append((name, state, count, *ANSWERS[name]))
    return pd.DataFrame(rows, columns=["table", "state", "row_count", "answers", "collect"])
