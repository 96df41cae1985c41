"""Rules: first match wins, scores, what the data say of them."""

from __future__ import annotations

import datetime
import json

import ibis
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from published import publish
from pydantic import ValidationError
from sqlglot import exp

from segkit.core.errors import SegkitError
from segkit.models.columns import tidy_columns
from segkit.plan.models import Scheme
from segkit.report import rules as rules_topic
from segkit.segmentation.rfm_scores import score_rfm
from segkit.segmentation.rule_checks import check_rules
from segkit.segmentation.rules import Rules, fit_rfm, fit_rules, fit_tiers, take_column
from segkit.validation.candidate_measures import measure_sizes

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": list("abcdef"),
        "recency_days": [10.0, 200, 400, np.nan, 20, 500],
        "order_count": [5, 1, 2, 1, np.nan, 9],
        "total_spend": [900.0, 20, 80, 10, 50, 700],
        "country": ["FI", "SE", None, "FI", "DE", "FI"],
        "consent": pd.array([True, False, True, None, True, False], dtype="boolean"),
        "first_order_on": [datetime.date(2026, 1, day) for day in range(1, 7)],
    }
)


def make_scheme(*rules: tuple[str, str], method: str = "rules", **options) -> Scheme:
    named = [{"name": name, "when": when} for name, when in rules]
    return Scheme(name="s", goal="g", base="value", method=method, rules=named, **options)


def place(rules: Rules, customers: pd.DataFrame) -> pd.DataFrame:
    tidy = tidy_columns(customers, rules.columns).reset_index(drop=True)
    rows = ibis.memtable(tidy.assign(row=np.arange(len(tidy))))
    return rules.place(rows).order_by("row").to_pandas()


def count_points(rules: Rules, customers: pd.DataFrame, score: str) -> pd.Series:
    tidy = tidy_columns(customers, rules.columns).reset_index(drop=True)
    decided = rules.decide(ibis.memtable(tidy.assign(row=np.arange(len(tidy)))))
    return decided.table.order_by("row").to_pandas()[decided.points[score]]


def list_segments(rules: Rules, names: list[str], customers: pd.DataFrame) -> list[str]:
    return [names[number - 1] for number in place(rules, customers)["segment"]]


LAPSED = (
    ("Worth a call", "recency_days > 180 and total_spend >= 500"),
    ("Lapsed", "recency_days > 365"),
    ("At home", "country = 'FI' and not consent"),
    ("Lapsed", "order_count <= 1"),
)


def test_the_first_rule_that_is_met_wins_and_what_is_not_known_is_not_met():
    rules, names = fit_rules(CUSTOMERS, make_scheme(*LAPSED))
    assert names == ["Worth a call", "Lapsed", "At home", "Everyone else"]
    found = list_segments(rules, names, CUSTOMERS)
    # d: no recency; consent unknown; one order. e: how many orders is not known.
    assert found == ["Everyone else", "Lapsed", "Lapsed", "Lapsed", "Everyone else", "Worth a call"]
    placed = place(rules, CUSTOMERS)
    # Five columns are read: c lacks one, d two, e one.
    assert list(placed["confidence"]) == pytest.approx([1, 1, 0.8, 0.6, 0.8, 1])
    assert placed["distance"].isna().all()


def test_a_last_rule_that_is_true_names_everyone_else():
    rules, names = fit_rules(
        CUSTOMERS, make_scheme(("Old", "recency_days > 365"), ("Rest", "TRUE"))
    )
    assert names == ["Old", "Rest"]
    assert list_segments(rules, names, CUSTOMERS).count("Rest") == 4


def test_every_kind_of_column_is_read_from_a_dataframe():
    customers = CUSTOMERS.assign(
        country=CUSTOMERS["country"].astype("category"),
        consent=CUSTOMERS["consent"].astype(object).where(CUSTOMERS["consent"].notna(), None),
        since=pd.to_datetime(CUSTOMERS["first_order_on"]),
        order_count=CUSTOMERS["order_count"].astype("Int64"),
    )
    text = "since >= '2026-01-04' and first_order_on < '2026-01-06' and country in ('FI', 'DE')"
    rules, names = fit_rules(customers, make_scheme(("x", f"{text} and order_count is null")))
    assert rules.kinds == {
        "since": "date", "first_order_on": "date", "country": "text", "order_count": "number"
    }  # fmt: skip
    assert list_segments(rules, names, customers) == [*["Everyone else"] * 4, "x", "Everyone else"]
    rules, names = fit_rules(customers, make_scheme(("x", "consent")))
    assert rules.kinds == {"consent": "boolean"}
    assert [s == "x" for s in list_segments(rules, names, customers)] == [1, 0, 1, 0, 1, 0]


def test_an_engine_may_hold_the_same_values_in_other_types():
    connection = ibis.duckdb.connect()
    connection.raw_sql(
        "CREATE TABLE t AS SELECT * FROM (VALUES "
        "(1, 'true', DATE '2026-01-05', 7, TIMESTAMP '2026-01-05 10:00', 1.5::DECIMAL(9, 2)),"
        "(0, 'FALSE', NULL, NULL, NULL, NULL), (NULL, 'maybe', DATE '2025-01-01', 3, NULL, 2))"
        " AS v(bit, word, day, code, moment, amount)"
    )
    table = connection.table("t")

    def take(column: str, kind: str) -> list:
        values = table.select(x=take_column(table, column, kind)).to_pandas()["x"]
        return [None if pd.isna(value) else value for value in values]

    assert take("bit", "boolean") == [True, False, None]
    assert take("word", "boolean") == [True, False, None]
    assert take("day", "date") == ["2026-01-05", None, "2025-01-01"]
    assert take("moment", "date") == ["2026-01-05", None, None]
    assert take("amount", "number") == [1.5, None, 2.0]
    with pytest.raises(SegkitError, match="column 'word' is not a number"):
        take("word", "number")
    # A chunk in which a column has no value at all comes as doubles.
    empty = ibis.memtable(pd.DataFrame({"x": [np.nan, np.nan]}))
    for kind in ("number", "text", "boolean", "date"):
        assert empty.select(x=take_column(empty, "x", kind)).to_pandas()["x"].isna().all()


def test_a_truth_is_made_an_int_for_postgres_makes_no_other_number_of_it():
    rules, _ = fit_rfm(CUSTOMERS, make_scheme(method="rfm"), 6)
    rows = ibis.table(dict.fromkeys(rules.columns, "float64"), name="customers")
    tree = sqlglot.parse_one(str(ibis.to_sql(rules.place(rows), dialect="postgres")), "postgres")
    truths = (exp.Predicate, exp.Connector, exp.Not, exp.Coalesce)
    casts = [cast for cast in tree.find_all(exp.Cast) if isinstance(cast.this, truths)]
    assert len(casts) == 12 + 3  # cut points, and columns known
    assert {cast.to.sql("postgres") for cast in casts} == {"INT"}


anything = st.floats(allow_nan=True, allow_infinity=True, width=64)


VALUES = arrays(np.float64, st.tuples(st.integers(1, 10), st.just(3)), elements=anything)


@pytest.fixture(scope="module")
def fitted():
    when = "recency_days / order_count > total_spend - 3 * order_count"
    own = make_scheme(("A", when), ("B", "recency_score > frequency_score"))
    return [fit_rules(CUSTOMERS, own), fit_rfm(CUSTOMERS, make_scheme(method="rfm"), 6)]


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(values=VALUES, which=st.integers(0, 1))
def test_whatever_comes_every_customer_gets_one_segment_whatever_the_order(values, which, fitted):
    rules, names = fitted[which]
    rows = pd.DataFrame(values, columns=["recency_days", "order_count", "total_spend"])
    twice = place(rules, pd.concat([rows, rows[::-1]]))["segment"].tolist()
    assert set(twice) <= set(range(1, len(names) + 1))
    assert twice[: len(rows)] == twice[len(rows) :][::-1]
    assert Rules.model_validate_json(rules.model_dump_json()) == rules


def test_scores_are_learned_where_a_rule_names_them_and_ties_share_a_score():
    customers = pd.DataFrame({"order_count": [1.0] * 6 + [2, 2, 3, 9], "recency_days": 1.0})
    rules, names = fit_rules(customers, make_scheme(("Most", "frequency_score >= 5")))
    (score,) = rules.scores
    # Quintiles of ten: places 1.8, 3.6, 5.4 and 7.2.
    assert (score.name, score.column) == ("frequency", "order_count")
    assert score.cuts == pytest.approx((1, 1, 1.4, 2.2))
    assert count_points(rules, customers, "frequency").tolist() == [1] * 6 + [4, 4, 5, 5]
    assert list_segments(rules, names, customers)[-3:] == ["Everyone else", "Most", "Most"]
    halves, _ = fit_rules(
        customers, make_scheme(("x", "frequency_score > 1"), cuts={"frequency": 2})
    )
    assert halves.scores[0].cuts == (1,)
    fixed, _ = fit_rules(
        customers, make_scheme(("x", "frequency_score > 1"), cuts={"frequency": [1.5, 2, 3]})
    )
    # A value must beat a cut point: 2 beats 1.5 alone.
    assert count_points(fixed, customers, "frequency").tolist() == [1] * 6 + [2, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "champion", "loyal"),
    [(2, (2, 4), (2, 3)), (3, (3, 5), (2, 4)), (4, (4, 7), (3, 5)), (5, (4, 8), (3, 6))],
)
def test_rfm_keeps_its_cells_whatever_the_number_of_groups(groups, champion, loyal):
    rng = np.random.default_rng(1)
    names = ("recency_days", "order_count", "total_spend")
    customers = pd.DataFrame({name: rng.permutation(np.arange(1.0, 601)) for name in names})
    cuts = dict.fromkeys(("recency", "frequency", "money"), groups)
    rules, names = fit_rfm(customers, make_scheme(method="rfm", cuts=cuts), 6)
    assert names == ["Champions", "Loyal", "Promising", "New", "At risk", "Lost"]
    for rule, least in zip(rules.rules[:3:2], (champion, loyal), strict=True):
        text = "recency_score >= {} and frequency_score + money_score >= {} and order_count > 1"
        assert rule.when == text.format(*least)
    # Groups of equal size.
    for score in ("recency", "frequency", "money"):
        counts = count_points(rules, customers, score).value_counts()
        assert counts.to_dict() == dict.fromkeys(range(1, groups + 1), 600 // groups)


def test_nobody_who_bought_once_is_a_champion_or_loyal_whatever_was_spent():
    rng = np.random.default_rng(2)
    count = 400
    customers = pd.DataFrame(
        {
            "recency_days": rng.permutation(count).astype(float),
            "order_count": np.where(rng.random(count) < 0.6, 1.0, rng.integers(2, 9, count)),
            "total_spend": rng.lognormal(4, 1.5, count),
        }
    )
    bought_once = customers["order_count"] == 1
    for n_segments in (2, 3, 4, 5, 6):
        rules, names = fit_rfm(customers, make_scheme(method="rfm"), n_segments)
        segments = pd.Series(list_segments(rules, names, customers))
        assert not set(segments[bought_once]) & {"Champions", "Loyal"}
        if n_segments > 2:
            assert (segments == "Loyal").any()
    # A large single order that is not the latest: the old rules called it loyal.
    large = bought_once & (customers["recency_days"] < 100) & (customers["total_spend"] > 200)
    assert large.any()
    assert set(segments[large]) <= {"Promising", "New"}


@pytest.mark.parametrize("n_segments", [3, 6])
def test_who_has_no_order_is_not_lost_but_has_a_name_of_their_own(n_segments):
    rng = np.random.default_rng(3)
    buyers = pd.DataFrame(
        {
            "recency_days": rng.integers(1, 700, 200).astype(float),
            "order_count": rng.integers(1, 9, 200).astype(float),
            "total_spend": rng.lognormal(4, 1, 200),
        }
    )
    # Some never bought, some brought back more than is known to be sold.
    others = pd.DataFrame({"order_count": 0.0, "total_spend": [0.0] * 290 + [-50.0] * 10})
    everybody = pd.concat([buyers, others], ignore_index=True)
    rules, names = fit_rfm(everybody, make_scheme(method="rfm"), n_segments)
    segments = pd.Series(list_segments(rules, names, everybody))
    assert names[-1] == "No order"
    assert len(names) == n_segments
    assert (segments == "No order").tolist() == [False] * 200 + [True] * 300
    # Quintiles are those of the buyers, as if the others were not there.
    assert rules.scores == fit_rfm(buyers, make_scheme(method="rfm"), n_segments)[0].scores
    assert "No order" not in fit_rfm(buyers, make_scheme(method="rfm"), n_segments)[1]


def test_rfm_takes_fixed_cut_points_and_columns_of_any_name():
    customers = pd.DataFrame({"Last seen": [1.0, 40], "not": [9.0, 1], "spend": [500.0, 5]})
    cuts = {"recency": [30.0], "frequency": [2.0], "money": [100.0]}
    scheme = make_scheme(method="rfm", columns=("Last seen", "not", "spend"), cuts=cuts)
    rules, names = fit_rfm(customers, scheme, 6)
    assert [score.cuts for score in rules.scores] == [(30,), (2,), (100,)]
    assert list_segments(rules, names, customers) == ["Champions", "Lost"]


def test_tiers_take_the_plan_s_cut_points_and_their_number():
    scheme = make_scheme(method="tiers", cuts={"value": [50.0, 500.0]})
    rules, names = fit_tiers(CUSTOMERS, scheme, 6)
    assert names == ["Top value", "Middle value", "Low value"]
    found = list_segments(rules, names, CUSTOMERS)
    assert found == [
        "Top value",
        "Low value",
        "Middle value",
        "Low value",
        "Low value",
        "Top value",
    ]
    fifths, names = fit_tiers(CUSTOMERS, make_scheme(method="tiers", cuts={"value": 5}), 3)
    assert len(names) == 5
    assert fifths.scores[0].cuts == pytest.approx((20, 50, 80, 700))


def test_the_data_say_what_never_matches_what_is_shadowed_and_where_missing_values_fall():
    scheme = make_scheme(
        ("Old", "recency_days > 100"),
        ("Never", "order_count < 0"),
        ("Very old", "recency_days > 300"),
        ("At home", "country = 'FI'"),
        ("Old", "order_count = 1"),
    )
    rules, names = fit_rules(CUSTOMERS, scheme)
    found = check_rules(CUSTOMERS, rules, names)
    counts = found.pivot(index="rule", columns="part", values="customer_count")
    assert found["segment_name"].tolist()[::4] == [
        "Old", "Never", "Very old", "At home", "Old", "Everyone else"
    ]  # fmt: skip
    # b c f are old; of d we do not know. a d f live in FI, where c is not known. b d bought once.
    assert counts["taken"].tolist() == [3, 0, 0, 2, 0, 1]
    assert counts["taken_before"].tolist() == [0, 0, 2, 1, 2, 0]
    assert counts["went_on"].tolist() == [1, 1, 1, 0, 1, 0]
    assert counts["undecided_before"].tolist() == [0, 0, 0, 1, 0, 0]
    assert found.loc[found["part"] == "taken", "customer_share"].sum() == pytest.approx(1)
    assert found.loc[found["part"] == "taken_before", "taken_by"].tolist() == [
        "", "", "Old", "Old", "Old, At home", ""
    ]  # fmt: skip
    laid_out = show_rules(found, smallest_cell=1)
    assert laid_out["matched_count"].tolist() == [3, 0, 2, 3, 2, 1]
    assert laid_out["unknown_count"].tolist() == [1, 1, 1, 1, 1, 0]
    assert laid_out["note"].tolist() == [
        "1 without a value of recency_days went on to the next rule",
        "never matches; 1 without a value of order_count went on to the next rule",
        "shadowed by Old: 2 of 2 were taken before; "
        "1 without a value of recency_days went on to the next rule",
        "1 of 3 were taken before",
        "shadowed by Old, At home: 2 of 2 were taken before; "
        "1 without a value of order_count went on to the next rule",
        "",
    ]


def show_rules(found: pd.DataFrame, *, smallest_cell: int) -> pd.DataFrame:
    """Return the rules as they are shown."""
    told = publish(found.assign(scheme="s"), rules_topic.RULES, smallest_cell=smallest_cell)
    return rules_topic.lay_out_rules(told).frame


def test_rules_that_leave_nobody_say_so():
    rules, names = fit_rules(CUSTOMERS, make_scheme(("All", "total_spend >= 0")))
    found = check_rules(CUSTOMERS, rules, names)
    assert show_rules(found, smallest_cell=5)["note"].tolist() == ["", "nobody is left for it"]
    nobody = check_rules(CUSTOMERS[:0], rules, names)
    assert set(nobody["customer_share"]) == {0}


def test_whom_a_rule_takes_cannot_be_worked_out_where_it_takes_a_handful():
    spend = np.repeat([5.0, 15, 25, 35], [3, 40, 30, 50])
    customers = pd.DataFrame({"customer_id": np.arange(123).astype(str), "total_spend": spend})
    scheme = make_scheme(
        ("Few", "total_spend < 10"), ("Some", "total_spend < 20"), ("More", "total_spend < 30")
    )
    rules, names = fit_rules(customers, scheme)
    shown = show_rules(check_rules(customers, rules, names), smallest_cell=5)
    # Three are few; the thirty go with them, or all customers less the others would tell of them.
    assert shown["customer_count"].isna().tolist() == [True, False, True, False]
    assert shown["customer_share"].isna().tolist() == [True, False, True, False]
    # Forty were taken by "Some", and 43 meet it: three, who were taken before.
    assert shown["matched_count"].isna().tolist() == [True, True, True, False]
    assert shown["note"].tolist() == ["", "some were taken before", "some were taken before", ""]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model["rules"][0].update(when="recency_days >"), "at position 14"),
        (lambda model: model["rules"][0].update(when="drop table x"), "no column 'drop'"),
        (lambda model: model["rules"][1].update(when="true"), "true stands only after 'is'"),
        (
            lambda model: model["rules"][-1].update(when="recency_days > 1"),
            "the last does not take everyone",
        ),
        (lambda model: model["rules"][0].update(segment=7), "numbered from 1"),
        (lambda model: model["kinds"].pop("country"), "no column 'country'"),
        (lambda model: model["kinds"].update(more="text"), "do not fit together"),
        (lambda model: model["kinds"].update(country="number"), "'=' does not go with"),
        (lambda model: model["kinds"].update(country="any"), "'number', 'text', 'boolean'"),
        (lambda model: model.update(rules=[]), "there is no rule"),
        (lambda model: model.update(kinds={}, rules=model["rules"][-1:]), "there is no rule"),
    ],
)
def test_a_damaged_document_is_refused_with_the_reason(change, message):
    rules, _ = fit_rules(CUSTOMERS, make_scheme(*LAPSED))
    model = json.loads(rules.model_dump_json())
    change(model)
    with pytest.raises(ValidationError, match=message):
        Rules.model_validate_json(json.dumps(model))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("x", "recency_day > 3")], "scheme 's', rule 'x': .*Did you mean 'recency_days'"),
        ([("x", "country > 3")], "rule 'x': '>' does not go with a number and text"),
        ([("x", "customer_id = 'a'")], "no column 'customer_id'"),
        ([("x", "true")], "true stands only after 'is'"),
        ([("x", "true"), ("y", "consent")], "rule 'x': true stands only after 'is'"),
    ],
)
def test_a_faulty_rule_is_refused_before_it_is_fitted(rules, message):
    with pytest.raises(SegkitError, match=message):
        fit_rules(CUSTOMERS, make_scheme(*rules))


def read_cdnow(path) -> pd.DataFrame:
    """Recency, orders and spend of the CDNOW sample at the end of September 1997."""
    orders = pd.read_csv(path, sep=r"\s+", header=None, usecols=[0, 2, 3, 4])
    orders.columns = ["customer_id", "day", "quantity", "total_spend"]
    orders["day"] = pd.to_datetime(orders["day"], format="%Y%m%d")
    orders = orders[orders["day"] <= "1997-09-30"]
    table = orders.groupby("customer_id").agg(
        last=("day", "max"), first=("day", "min"), order_count=("day", "nunique"),
        total_spend=("total_spend", "sum"),
    ).reset_index()  # fmt: skip
    end = pd.Timestamp("1997-09-30")
    table["recency_days"] = (end - table["last"]).dt.days
    table["tenure_days"] = (end - table["first"]).dt.days
    return table.drop(columns=["last", "first"])


def test_real_customers_fall_as_pandas_places_them(shared_data):
    customers = read_cdnow(shared_data("cdnow/CDNOW_sample.txt"))
    rules, names = fit_rules(customers, make_scheme(ruleset="life_cycle", cuts={"new_days": 200}))
    expected = np.select(
        [
            customers["recency_days"] > 365,
            customers["tenure_days"] <= 200,
            customers["order_count"] > 1,
        ],
        ["Lapsed", "New", "Returning"],
        "One order",
    )
    assert list_segments(rules, names, customers) == expected.tolist()
    found = check_rules(customers, rules, names)
    taken = found[found["part"] == "taken"]
    assert taken["customer_count"].sum() == len(customers)
    # Quintiles by counting: the points are the number of cut points below, ties included.
    rfm, _ = fit_rfm(customers, make_scheme(method="rfm"), 6)
    cuts = np.quantile(customers["order_count"], [0.2, 0.4, 0.6, 0.8])
    points = 1 + np.searchsorted(cuts, customers["order_count"], side="left")
    assert count_points(rfm, customers, "frequency").tolist() == points.tolist()


def test_a_score_counts_the_cut_points_of_the_document_that_a_value_beats():
    rng = np.random.default_rng(4)
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(80)],
            "recency_days": np.where(rng.random(80) < 0.2, np.nan, rng.integers(0, 300, 80)),
            "order_count": rng.integers(1, 9, 80),
            "total_spend": rng.lognormal(3, 1, 80).round(2),
        }
    )
    scheme = Scheme(name="rfm", goal="g", base="behavioural", method="rfm")
    rules, _ = fit_rfm(customers, scheme, 6)
    scored = score_rfm(customers)
    for score in rules.scores:
        sign = 1 if score.higher_is_better else -1
        beaten = [sign * customers[score.column] > sign * cut for cut in score.cuts]
        assert scored[score.name].tolist() == (1 + sum(beaten)).tolist()
    assert (scored.loc[customers["recency_days"].isna(), "recency"] == 1).all()


def test_who_bought_nothing_is_no_segment_too_small_or_too_poor():
    customers = pd.DataFrame({"total_spend": [0.0] * 2 + [5.0] * 40 + [9.0] * 60})
    labels = np.repeat([3, 2, 1], [2, 40, 60])
    sizes = measure_sizes(customers, labels, ["Champions", "Lost", "No order"], allow_empty=False)
    assert (sizes.smallest_segment, sizes.poorest_segment) == ("Lost", "Lost")
    assert sizes.smallest_customer_share == pytest.approx(40 / 102)
    assert sizes.smallest_value_share == pytest.approx(200 / 740)
    other = measure_sizes(customers, labels, ["Champions", "Lost", "Rare"], allow_empty=False)
    assert other.smallest_customer_count == 2
