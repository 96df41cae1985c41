"""What a user's columns are called makes no difference to assigning, and none is overwritten."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segkit.core.errors import SegkitError
from segkit.models.columns import Levels, Preparation
from segkit.segmentation.class_document import Classes
from segkit.segmentation.documents import Segment, Segmentation
from segkit.segmentation.prototype_document import Prototypes
from segkit.segmentation.rule_checks import check_rules
from segkit.segmentation.rules import Rule, Rules, Score
from segkit.segmentation.scoring import score_table
from segkit.validation.resampling import resample_rules

# Names that expressions use or have used for themselves, results, and words of SQL.
HOSTILE = [
    "best_", "second_", "known_", "row_", "rule_", "sample_", "all_", "x0_", "x1_", "z0_", "m0_0_",
    "d1_", "c0_", "l1_", "met0_", "value_points_", "missing0_", "new0_", "own_best", "own_known",
    "OWN_VALUE0", "own1_square1", "own_row", "own_first", "own_met0", "own_points0", "own_all",
    "n", "size", "matched0", "value_0_", "own_value0", "own_sample", "count", "select", "order",
    "a b", 'quo"te', "it's", "{x}", "é", "probability_", "_",
]  # fmt: skip
NAMES = st.sampled_from(HOSTILE)
ROWS = pd.DataFrame(
    {
        "amount": [0.0, 1.0, 5.0, 9.0, 20.0, np.nan, 3.0, 9.0],
        "channel": ["web", "app", "web", None, "post", "app", "app", "web"],
    }
)


def make_models(amount: str, channel: str) -> list[Prototypes | Classes | Rules]:
    """One model of each kind that reads a number and a text under the given names."""
    preparation = Preparation(
        column=amount, fill=3.0, smallest=0.0, largest=9.0, lower=0.0, upper=9.0,
        transform="signed_log", mean=1.0, sd=0.5,
    )  # fmt: skip
    levels = Levels(column=channel, kind="text", levels=("web", "app"))
    quoted = '"' + amount.replace('"', '""') + '"'
    return [
        Prototypes(
            preparations=[preparation],
            levels=[levels],
            centres=[[-1.0], [0.5], [2.0]],
            modes=[["web"], ["app"], ["web"]],
        ),
        Classes(levels=[levels], weights=[0.6, 0.4], probabilities=[[[0.9, 0.1]], [[0.2, 0.8]]]),
        Rules(
            kinds={amount: "number", channel: "text"},
            scores=[Score(name="value", column=amount, cuts=[2.0, 6.0])],
            rules=[
                Rule(segment=1, when="value_score >= 3"),
                Rule(segment=2, when=f"{quoted} > 0 and {quote(channel)} = 'app'"),
                Rule(segment=3, when="true"),
            ],
        ),
    ]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def make_segmentation(model: Prototypes | Classes | Rules) -> Segmentation:
    numbers = range(1, model.segment_count + 1)
    segments = [Segment(number=n, name=f"S{n}", customer_count=1, share=0.1) for n in numbers]
    return Segmentation(
        scheme="s",
        goal="g",
        base="value",
        method="rules",
        as_of=datetime.date(2026, 6, 30),
        random_state=0,
        customer_count=8,
        segments=segments,
        model=model,
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    read=st.tuples(NAMES, NAMES).filter(lambda pair: pair[0].lower() != pair[1].lower()),
    beside=st.lists(NAMES, max_size=8, unique_by=str.lower),
    kind=st.integers(0, 2),
)
def test_whatever_columns_are_called_the_segments_and_the_columns_stay(read, beside, kind):
    amount, channel = read
    expected = make_segmentation(make_models("amount", "channel")[kind])
    model = make_segmentation(make_models(amount, channel)[kind])
    plain = expected.assign(ROWS)
    table = ROWS.rename(columns={"amount": amount, "channel": channel})
    taken = {name.lower() for name in read}
    others = {name: np.arange(8.0) + place for place, name in enumerate(beside)}
    table = table.assign(**{n: v for n, v in others.items() if n.lower() not in taken})
    found = model.assign(table)
    results = list(model.result_columns)
    pd.testing.assert_frame_equal(found[results], plain[results])
    connection = ibis.duckdb.connect()
    rows = connection.create_table("t", table.assign(place=np.arange(8)))
    in_engine = model.assign(rows).order_by("place").to_pandas()
    assert list(in_engine.columns) == [*rows.columns, *results]
    pd.testing.assert_frame_equal(in_engine[results], plain[results], check_dtype=False)
    pd.testing.assert_frame_equal(
        in_engine[list(table.columns)], table, check_dtype=False, check_column_type=False
    )
    for counted in (model.count_unusual(rows), model.count_unusual(table)):
        counts = counted.drop(columns="column")
        pd.testing.assert_frame_equal(counts, expected.count_unusual(ROWS).drop(columns="column"))
    connection.disconnect()


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_with_every_hostile_name_is_scored_and_kept_whole(tmp_path, kind, suffix):
    expected = make_segmentation(make_models("amount", "channel")[kind]).assign(ROWS)
    model = make_segmentation(make_models("best_", "own_value0")[kind])
    table = ROWS.rename(columns={"amount": "best_", "channel": "own_value0"})
    names = [name for name in HOSTILE if name.lower() not in table]
    table = table.assign(**dict.fromkeys(names, 7.0))
    model.write_json(tmp_path / "s.json")
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.parquet"
    (table.to_parquet if suffix == ".parquet" else table.to_csv)(source, index=False)
    counts, *_ = score_table(tmp_path / "s.json", source, target)
    found = pd.read_parquet(target)
    assert list(found.columns) == [*table.columns, *model.result_columns]
    assert found["segment"].tolist() == expected["segment"].tolist()
    assert counts == expected["segment_name"].value_counts().reindex(counts).fillna(0).to_dict()
    for name in table.columns:
        kept = found[name].astype(table[name].dtype)
        pd.testing.assert_series_equal(kept, table[name], check_dtype=False)


@pytest.mark.parametrize("kind", range(3))
def test_a_column_with_the_name_of_a_result_is_read_first_and_replaced(kind):
    expected = make_segmentation(make_models("amount", "channel")[kind]).assign(ROWS)
    model = make_segmentation(make_models("confidence", "segment_name")[kind])
    table = ROWS.rename(columns={"amount": "confidence", "channel": "segment_name"})
    table = table.assign(segment="mine", place=np.arange(8))
    results = list(model.result_columns)
    for found in (model.assign(table), model.assign(ibis.memtable(table)).to_pandas()):
        found = found.sort_values("place", ignore_index=True)
        assert found.columns.is_unique
        pd.testing.assert_frame_equal(found[results], expected[results], check_dtype=False)


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("name", ["Segment", "SEGMENT_NAME", "Confidence"])
def test_a_name_that_differs_from_a_result_s_only_in_case_is_refused_by_an_engine(kind, name):
    model = make_segmentation(make_models("amount", "channel")[kind])
    table = ROWS.assign(**{name: "mine"})
    with pytest.raises(SegkitError, match=f"'{name}' differs from '{name.lower()}'.*only in case"):
        model.assign(ibis.memtable(table))
    assert model.assign(table)[name].eq("mine").all()  # a DataFrame tells them apart


def test_two_columns_that_differ_only_in_case_cannot_be_read():
    model = make_segmentation(make_models("spend", "Spend")[0])
    table = ROWS.rename(columns={"amount": "spend", "channel": "Spend"})
    with pytest.raises(SegkitError, match="'spend' and 'Spend' differ only in case"):
        model.assign(table)


def test_printed_sql_does_not_name_customers_like_a_result():
    model = make_segmentation(make_models("best_", "known_")[0])
    assert '"best_"' in model.to_sql(key="own_best")
    with pytest.raises(SegkitError, match="cannot name the customers"):
        model.to_sql(key="Segment")


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(read=st.tuples(NAMES, NAMES).filter(lambda pair: pair[0].lower() != pair[1].lower()))
def test_rules_are_checked_and_resampled_whatever_columns_are_called(read):
    plain = make_models("amount", "channel")[2]
    rules = make_models(*read)[2]
    table = ROWS.rename(columns=dict(zip(ROWS.columns, read, strict=True)))
    names = ["S1", "S2", "S3"]
    found = check_rules(table, rules, names).drop(columns=["when", "reads"])
    expected = check_rules(ROWS, plain, names).drop(columns=["when", "reads"])
    pd.testing.assert_frame_equal(found, expected)

    def learn(sample: pd.DataFrame) -> tuple[Rules, list[str]]:
        cuts = [float(sample.iloc[:, 0].min()), 6.0]
        score = rules.scores[0].model_copy(update={"cuts": tuple(cuts)})
        return rules.model_copy(update={"scores": (score,)}), names

    own = make_segmentation(rules).assign(table)["segment"].to_numpy() - 1
    draws = np.ones((2, 8), dtype=np.uint16)
    resamples = resample_rules(table, own, draws, segment_count=3, fit=learn)
    cuts_at_zero = plain.scores[0].model_copy(update={"cuts": (0.0, 6.0)})
    refitted = make_segmentation(plain.model_copy(update={"scores": (cuts_at_zero,)}))
    expected = refitted.assign(ROWS)["segment"].to_numpy() - 1
    assert resamples.labels.tolist() == [expected.tolist()] * 2
