"""What the plan itself and the market's tables tell of readiness."""

from __future__ import annotations

import pandas as pd
from ibis import _

from segkit.evidence.market import MARKET_TABLES, make_key
from segkit.evidence.market.names import settle_names
from segkit.evidence.readiness.given import Found, Given, tell_part

# Words that stand where nothing was decided yet.
NOT_DECIDED = {"", "-", "?", "fill in", "n/a", "na", "nobody", "none", "not known", "tba", "tbc",
               "tbd", "to be decided", "to do", "todo", "unknown", "xxx"}  # fmt: skip
FRESH_YEARS = 3  # so old a figure of a market may be
# Columns that a KPI of messages or tickets needs.
KPI_COLUMNS = {"open_share": ("messages", "opened"), "resolution_hours": ("tickets", "resolved_at")}
HOMES = {"country": ("customers", "customers"), "category": ("products", "products")}


def find_judged(given: Given) -> Found:
    """Count the goals with a target whose KPI the tables tell."""
    goals = given.plan.goals
    count = sum(goal.target is not None and goal.name in given.measured for goal in goals)
    return tell_part(count, len(goals), "goals have a target and data for their KPI")


def find_served(given: Given) -> Found:
    """Count the goals that a scheme serves."""
    served = {scheme.goal for scheme in given.plan.schemes}
    goals = given.plan.goals
    return tell_part(sum(goal.name in served for goal in goals), len(goals), "goals have a scheme")


def find_deliverables(given: Given) -> Found:
    """Count the deliverables that say what shows them, so that a run can tick them."""
    promised = given.plan.deliverables
    count = sum(one.shows is not None for one in promised)
    return tell_part(count, len(promised), "deliverables say what shows them")


def find_filled(given: Given) -> Found:
    """Count what the plan decides, of owner, scope, target market, budget and the goals' texts."""
    plan = given.plan
    texts = {name: [getattr(plan, name)] for name in ("owner", "scope", "target_market", "budget")}
    texts["goals"] = [goal.text for goal in plan.goals]
    open_ones = [name for name, said in texts.items() if not all(map(is_decided, said))]
    found = tell_part(len(texts) - len(open_ones), len(texts), "parts of the plan are filled in")
    missing = ", ".join(name.replace("_", " ") for name in open_ones)
    improve = f"Decide on {missing}, and write it into the plan" if missing else ""
    count = float(len(texts) - len(open_ones))
    return Found(count, found.evidence, count, improve)


def is_decided(text: str) -> bool:
    """Return whether a text of the plan says something.

    >>> is_decided("Ten working days"), is_decided("TBD.")
    (True, False)
    """
    return text.strip().rstrip(".!").strip().casefold() not in NOT_DECIDED


def find_market(given: Given) -> Found:
    """Count the market's tables that are given."""
    count = sum(given.has_rows(name) for name in MARKET_TABLES)
    missing = [name.replace("_", " ") for name in MARKET_TABLES if not given.has_rows(name)]
    improve = f"Fill the templates of the market review: {', '.join(missing)}" if missing else ""
    found = tell_part(count, len(MARKET_TABLES), "market tables are given")
    return Found(float(count), found.evidence, float(count), improve)


def find_market_sources(given: Given) -> Found | None:
    """Count the market's newest figures that name a source and are not old.

    Of a table by year, the rows of its newest year until the last day counted; all of others.
    """
    counted = [_count_sourced(given, name) for name in MARKET_TABLES if given.has_rows(name)]
    if not counted:
        return None
    good, rows = (sum(part) for part in zip(*counted, strict=True))
    what = f"newest market figures have a source and are at most {FRESH_YEARS} years old"
    return tell_part(good, rows, what)


def _count_sourced(given: Given, name: str) -> tuple[int, int]:
    """Return how many of a market table's newest rows have a source and are fresh, and of all."""
    table = given.tables[name]
    fresh = True
    if "year" in table.columns:
        year = given.at.as_of.year
        table = table.filter(_.year <= year)
        newest = table.year.max().execute()
        if pd.isna(newest):
            return 0, 0
        table = table.filter(_.year == int(newest))
        fresh = int(newest) >= year - FRESH_YEARS
    rows = int(table.count().execute())
    if "source" not in table.columns or not fresh:
        return 0, rows
    known = table.filter(table.source.notnull() & (table.source.cast("string").strip() != ""))
    return int(known.count().execute()), rows


def find_market_match(given: Given) -> Found | None:
    """Return the share of our customers, or products, whose cell the market's table names.

    A name that the plan settles under ``[market.names]`` is the market's.
    """
    for axis, (table, noun) in HOMES.items():
        if given.has("market_cells", axis) and given.has(table, axis):
            return _match_cells(given, axis, table=table, noun=noun)
    return None


def _match_cells(given: Given, axis: str, *, table: str, noun: str) -> Found | None:
    ours = given.tables[table].group_by(key=_[axis]).aggregate(count=_.count()).to_pandas()
    cells = given.tables["market_cells"].select(axis).distinct().to_pandas()[axis]
    known = ours[make_key(ours["key"]) != ""]
    total = int(known["count"].sum())
    if not total:
        return None
    settled = settle_names(known, ["key"], given.plan.market)["key"]
    is_named = make_key(settled).isin(set(make_key(cells)))
    hits = int(known.loc[is_named, "count"].sum())
    if table == "products":
        return tell_part(hits, total, f"{noun} are of a category that the market's table names")
    return given.tell_share(hits, total, "live where the market's table looks")
