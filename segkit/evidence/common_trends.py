"""What customers say beside what they do: where words and deeds agree, and where they do not.

Each row takes who says something and who, of those asked, does not, and compares a measure of what
they do. That two things go together does not say that one brings the other about.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.contrasts import compare_means
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND, find_largest
from segkit.core.settings import Settings
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.evidence.experience.promoter import LEAST_PROMOTER, MOST_DETRACTOR, list_recommendations
from segkit.features.expressions import keep_known
from segkit.features.wording import name_feature
from segkit.plan.bases import ChoiceQuestion, Scale
from segkit.plan.models import Plan
from segkit.plan.surveys import Pair

RECOMMENDS = "recommends us"
ATTITUDE = "answer"
TOPIC = "support topic"
THEME = "theme"
MOST_TOPICS = 8
FEWEST_COMPARED = 10  # customers on each side; of fewer nothing is said
AGREE = "agree"
CONTRADICT = "contradict"
NOT_SHOWN = "not shown"
Direction = Literal["more", "less"]
TRENDS = (
    "kind", "said", "done", "expected", "said_count", "other_count", "least_count", "said_mean",
    "other_mean", "difference", "low", "high", "corrected_p_value", "outcome", "compared_segments",
    "agreeing_segments",
)  # fmt: skip
ENDS = (OF_A_MEAN, LARGEST, SECOND)


@dataclass(frozen=True)
class Trend:
    """Something that customers may say, and a measure that should go with it.

    Attributes
    ----------
    kind : str
        `RECOMMENDS`, `ATTITUDE` (a scale or choice of the plan), `TOPIC` or `THEME`.
    words : tuple of str
        What is said has to have one of these words in its name; anything if there are none.
    done : str
        A column of the customer table.
    expected : str
        Whether who says it should have more or less of it.
    """

    kind: str
    words: tuple[str, ...]
    done: str
    expected: Direction


PRICE = ("price", "prices", "cheap", "discount", "discounts", "cost", "costs")
RETURN = ("return", "returns", "refund", "refunds", "money")
DELIVERY = ("delivery", "shipping", "parcel", "late")
GIFT = ("gift", "gifts", "christmas")
USUAL_TRENDS = (
    Trend(RECOMMENDS, (), "order_count", "more"),
    Trend(RECOMMENDS, (), "recency_days", "less"),
    Trend(RECOMMENDS, (), "mean_satisfaction", "more"),
    Trend(ATTITUDE, PRICE, "discount_share", "more"),
    Trend(ATTITUDE, PRICE, "price_level", "less"),
    Trend(ATTITUDE, GIFT, "fourth_quarter_share", "more"),
    Trend(TOPIC, RETURN, "return_share", "more"),
    Trend(TOPIC, DELIVERY, "mean_satisfaction", "less"),
    Trend(TOPIC, DELIVERY, "hours_to_resolve", "more"),
    Trend(THEME, RETURN, "return_share", "more"),
    Trend(THEME, DELIVERY, "mean_satisfaction", "less"),
    Trend(THEME, GIFT, "fourth_quarter_share", "more"),
)


@dataclass(frozen=True)
class Said:
    """What some customers say: True, what others do not: False, by customer_id.

    ``label`` is what it is called for people; ``column`` that of the customer table, if it is one,
    and ``level`` its answer that counts.
    """

    kind: str
    name: str
    label: str
    says: pd.Series
    column: str = ""
    level: str = ""


def list_said(
    tables: Mapping[str, Table],
    customers: pd.DataFrame,
    plan: Plan,
    *,
    themes: pd.DataFrame | None = None,
    as_of: datetime.date,
) -> list[Said]:
    """List what customers say: recommending, scales and choices, topics of support, themes.

    Of a scale who lies above its middle says it, of a choice who ticked it, of topics and themes
    who wrote of it, among all who wrote. Who answered 7 or 8 on recommending is left out.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    customers : DataFrame
        The customer table, one row a customer.
    plan : Plan
    themes : DataFrame, optional
        ``said`` of `segkit.evidence.themes.Verbatim`.
    as_of : date
    """
    keyed = customers.assign(customer_id=customers["customer_id"].astype(str))
    keyed = keyed.set_index("customer_id")
    question = plan.surveys.recommendation
    found = _list_recommenders(tables.get("responses"), question, as_of)
    labels = plan.list_labels()
    for scale in plan.scales:
        if scale.feature in keyed:
            found.append(_read_scale(keyed, scale, name_feature(scale.feature, labels)))
    for choice in plan.choices:
        found += _read_choice(keyed, choice, plan)
    found += _list_topics(tables.get("tickets"), as_of)
    return found + _list_themes(themes)


def _list_recommenders(responses: Table | None, question: str, as_of: datetime.date) -> list[Said]:
    answers = list_recommendations(responses, question=question, as_of=as_of)
    if answers.empty:
        return []
    number = answers.set_index("customer_id")["number"].astype(float)
    number = number[(number >= LEAST_PROMOTER) | (number <= MOST_DETRACTOR)]
    name, label = "recommendation", "would recommend us"
    return [Said(RECOMMENDS, name, label, number >= LEAST_PROMOTER, column=name)]


def _read_scale(keyed: pd.DataFrame, scale: Scale, label: str) -> Said:
    score = keyed[scale.feature].astype(float).dropna()
    middle = (scale.lowest + scale.highest) / 2
    name = scale.feature
    return Said(ATTITUDE, name, f"much {label}", score > middle, column=name)


def _read_choice(keyed: pd.DataFrame, choice: ChoiceQuestion, plan: Plan) -> list[Said]:
    found = []
    labels = plan.list_labels()
    for name in (feature for feature in choice.features if feature in keyed):
        values = keyed[name].dropna()
        label = name_feature(name, labels)
        if choice.options:
            told = choice.options[name.removeprefix(f"{choice.base}_")]
            found.append(Said(ATTITUDE, name, told, values.astype(float) > 0, column=name))
            continue
        for level in sorted(values.astype(str).unique()):
            says = values.astype(str) == level
            told = f"{label}: {level}"
            found.append(Said(ATTITUDE, f"{name} {level}", told, says, column=name, level=level))
    return found


def _list_topics(tickets: Table | None, as_of: datetime.date) -> list[Said]:
    if is_missing(tickets, "customer_id", "topic"):
        return []
    rows = keep_known(tickets, "opened_at", as_of)
    rows = rows.filter(_.customer_id.notnull(), _.topic.notnull())
    pairs = rows.select("customer_id", "topic").distinct().to_pandas().astype(str)
    common = pairs["topic"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    names = common.index[:MOST_TOPICS]
    writers = pairs["customer_id"].unique()
    return [Said(TOPIC, t, t, _mark(writers, pairs.loc[pairs["topic"] == t])) for t in names]


def _list_themes(themes: pd.DataFrame | None) -> list[Said]:
    if themes is None or themes.empty:
        return []
    found = []
    for source, own in themes.groupby("source"):
        writers = own["customer_id"].unique()
        for words in sorted(set(own["words"]) - {""}):
            says = _mark(writers, own[own["words"] == words])
            found.append(Said(THEME, words, f"{words} ({source})", says))
    return found


def _mark(writers: np.ndarray, says: pd.DataFrame) -> pd.Series:
    return pd.Series(np.isin(writers, says["customer_id"]), index=writers)


def find_common_trends(
    said: Sequence[Said],
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    pairs: Sequence[Pair] = (),
    at: Settings,
) -> pd.DataFrame:
    """Compare what customers do between those who say something and those who do not.

    Differences of means have Welch's interval, and all p-values are corrected together (Holm). A
    pair agrees if the difference is beyond chance and as expected, contradicts if it is beyond
    chance the other way, and is not shown otherwise. It is looked at again inside each segment.

    Parameters
    ----------
    said : sequence of Said
        See `list_said`.
    customers : DataFrame
        The customer table.
    segments : DataFrame
        customer_id and segment_name; who has none is left out.
    pairs : sequence of Pair
        Those of the plan, beside the usual ones.
    at : Settings
        The smallest cell: a pair with fewer than ten customers on a side,
        or fewer than that, is left out.

    Returns
    -------
    DataFrame
        One row a pair: kind, said and done (names for people, and the column), expected,
        said_count and other_count with least_count, the smaller, the two means, difference with
        low and high, corrected_p_value, outcome, and in how many segments there are enough to
        compare, and the difference is as expected. The largest contributions to the means are the
        gate's.
    """
    known = segments.astype({"customer_id": str}).set_index("customer_id")
    measured = _list_measures(customers).reindex(known.index)
    wanted = _match_usual(said, measured) + _match_plan(said, measured, pairs)
    rows = [_compare(one, measured[d], known["segment_name"], d, way) for one, d, way in wanted]
    least = max(FEWEST_COMPARED, at.smallest_cell)
    rows = [row for row in rows if row["least_count"] >= least]
    columns = [*TRENDS, *(f"{name}_mean{end}" for name in ("said", "other") for end in ENDS)]
    if not rows:
        reason = "Of nothing that enough customers say is there a measure beside it: name pairs"
        return empty_table(columns, f"{reason} under [[surveys.pairs]] in the plan.")
    table = pd.DataFrame(rows)
    corrected = correct_p_values(table["p_value"].to_numpy(float))
    is_sure = np.nan_to_num(corrected, nan=1.0) < ALPHA
    is_expected = table["difference"].gt(0) == table["expected"].eq("more")
    outcome = np.select([is_sure & is_expected, is_sure], [AGREE, CONTRADICT], NOT_SHOWN)
    table = table.assign(corrected_p_value=corrected, outcome=outcome.astype(object))
    table = table.drop_duplicates(["said", "done"])
    return table.sort_values(["outcome", "kind", "said", "done"], ignore_index=True)[columns]


def _list_measures(customers: pd.DataFrame) -> pd.DataFrame:
    """Return what can be measured of each customer: numbers, and yes and no as 1 and 0."""
    keyed = customers.assign(customer_id=customers["customer_id"].astype(str))
    return keyed.set_index("customer_id").select_dtypes(["number", "bool"]).astype(float)


def _match_usual(said: Sequence[Said], measured: pd.DataFrame) -> list[tuple[Said, str, str]]:
    found = []
    for trend in USUAL_TRENDS:
        for one in said:
            if one.kind != trend.kind or trend.done not in measured:
                continue
            words = set(re.split(r"[^\w]+|_", f"{one.name} {one.level}".lower()))
            if not trend.words or words & set(trend.words):
                found.append((one, trend.done, trend.expected))
    return found


def _match_plan(
    said: Sequence[Said], measured: pd.DataFrame, pairs: Sequence[Pair]
) -> list[tuple[Said, str, str]]:
    found = []
    by_place = {(one.column, one.level): one for one in said if one.column}
    for pair in pairs:
        one = by_place.get((pair.said, pair.level))
        if one is None:
            _refuse(pair, "said", f"{pair.said} {pair.level}".strip(), [n for n, _l in by_place])
        if pair.done not in measured:
            _refuse(pair, "done", pair.done, list(measured.columns))
        found.append((one, pair.done, pair.expected))
    return found


def _refuse(pair: Pair, key: str, name: str, known: list[str]) -> None:
    fix = suggest_name(name, sorted(set(known)))
    raise SegkitError(
        "a pair of the plan names what is not there",
        where=f"plan, [[surveys.pairs]], {key} of {pair.said} and {pair.done}",
        found=name,
        fix=fix or "Name a scale, a choice with its level, or a number of the customer table.",
    )


def _compare(
    said: Said, measure: pd.Series, segment: pd.Series, done: str, expected: str
) -> dict[str, object]:
    """Return the row of a pair, without what all rows together decide."""
    says = said.says.reindex(measure.index)
    is_known = says.notna() & measure.notna()
    says, values = says[is_known].astype(bool), measure[is_known]
    one, other = values[says], values[~says]
    found = compare_means(one.to_numpy(float), other.to_numpy(float))
    difference, low, high, p_value = found
    segments = _compare_inside(values, says, segment[is_known], expected)
    row = {
        "kind": said.kind, "said": said.label, "done": done, "expected": expected,
        "said_count": len(one), "other_count": len(other), "least_count": min(len(one), len(other)),
        "said_mean": one.mean(), "other_mean": other.mean(), "difference": difference,
        "low": low, "high": high, "p_value": p_value, "compared_segments": segments[0],
        "agreeing_segments": segments[1],
    }  # fmt: skip
    for name, own in (("said", one), ("other", other)):
        ends = (own.sum(), *find_largest(own))
        row |= {f"{name}_mean{end}": value for end, value in zip(ENDS, ends, strict=True)}
    return row


def _compare_inside(
    values: pd.Series, says: pd.Series, segment: pd.Series, expected: str
) -> tuple[int, int]:
    """Return in how many segments both sides have enough, and differ as expected."""
    sums = pd.DataFrame({"segment": segment, "says": says, "value": values})
    table = sums.groupby(["segment", "says"])["value"].agg(["mean", "size"]).unstack("says")
    if table.shape[1] < 4:
        return 0, 0
    enough = table[table["size"].min(axis=1, skipna=False) >= FEWEST_COMPARED]
    difference = enough["mean"][True] - enough["mean"][False]
    as_expected = difference > 0 if expected == "more" else difference < 0
    return len(enough), int(as_expected.sum())
