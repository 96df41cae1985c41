"""The gate: what rests on few customers is hidden, and so is what would give it away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.privacy import Shape, publish_table

SIZES = Shape("sizes", by=("segment_name",))


def make_sizes(*counts: int) -> pd.DataFrame:
    names = [f"S{number}" for number in range(len(counts))]
    spend = [100.0 * count for count in counts]
    return pd.DataFrame({"segment_name": names, "customer_count": counts, "spend": spend})


def read_counts(table: pd.DataFrame, shape: Shape, smallest_cell: int = 5) -> list[float]:
    shown = publish_table(table, shape, smallest_cell=smallest_cell).frame
    return shown["customer_count"].astype(float).tolist()


def test_a_small_group_and_the_one_that_would_tell_of_it_are_hidden():
    published = publish_table(make_sizes(60, 40, 3), SIZES, smallest_cell=5)
    assert published.frame["customer_count"].tolist()[0] == 60
    assert published.frame["customer_count"].isna().tolist() == [False, True, True]
    assert published.frame["spend"].isna().tolist() == [False, True, True]
    # Which of the two is the small one is not told: its count would be 4 at most.
    told = "fewer than 5 customers, or would tell of so few"
    assert published.frame["note"].tolist() == ["", told, told]
    assert published.frame["segment_name"].tolist() == ["S0", "S1", "S2"]


def test_two_small_groups_hide_each_other():
    assert np.isnan(read_counts(make_sizes(60, 4, 3), SIZES)).tolist() == [False, True, True]


def test_groups_that_do_not_add_up_are_hidden_one_by_one():
    shape = Shape("answers", by=("segment_name",), adds_up=False)
    assert np.isnan(read_counts(make_sizes(60, 40, 3), shape)).tolist() == [False, False, True]


def test_rows_of_one_group_count_together():
    table = make_sizes(60, 40, 30)
    twice = pd.concat([table, table.head(1).assign(customer_count=3)], ignore_index=True)
    assert read_counts(twice, SIZES, smallest_cell=5)[1:3] == [40, 30]
    hidden = publish_table(twice, SIZES, smallest_cell=5).frame["customer_count"].isna()
    assert hidden.tolist() == [False, False, False, True]


def test_nobody_is_no_small_group():
    assert read_counts(make_sizes(60, 40, 0), SIZES) == [60, 40, 0]


def test_an_unknown_count_hides_its_row():
    table = make_sizes(60, 40, 30).astype({"customer_count": "float64"})
    table.loc[1, "customer_count"] = np.nan
    shown = publish_table(table, SIZES, smallest_cell=5).frame
    assert shown["spend"].isna().tolist()[1]


def test_tables_within_one_another_are_hidden_apart():
    table = pd.DataFrame(
        {
            "question": ["a"] * 3 + ["b"] * 3,
            "segment_name": ["x", "y", "z"] * 2,
            "customer_count": [50, 20, 2, 50, 20, 30],
        }
    )
    shape = Shape("answers", by=("segment_name",), within=("question",))
    hidden = np.isnan(read_counts(table, shape))
    assert hidden.tolist() == [False, True, True, False, False, False]


def test_what_tells_nothing_of_the_group_stays():
    table = make_sizes(60, 40, 3).assign(base_mean=7.0)
    shape = Shape("sizes", by=("segment_name",), shown=("base_mean",))
    shown = publish_table(table, shape, smallest_cell=5).frame
    assert shown["base_mean"].tolist() == [7.0, 7.0, 7.0]


def test_a_level_that_is_itself_telling_is_hidden_with_its_row():
    table = pd.DataFrame(
        {"answer": ["me", "my own words"], "customer_count": [60, 3], "segment_name": ["A", "B"]}
    )
    shape = Shape("answers", by=("segment_name", "answer"), adds_up=False, covered=("answer",))
    published = publish_table(table, shape, smallest_cell=5)
    assert published.frame["answer"].isna().tolist() == [False, True]
    assert published.frame["segment_name"].tolist() == ["A", "B"]
    assert not published.records["dimensions"].str.contains("words").any()


def test_a_part_of_a_small_whole_is_hidden_even_if_it_counts_nobody():
    table = pd.DataFrame(
        {
            "segment_name": ["x"] * 3 + ["y"] * 3,
            "country": ["EE", "FI", "SE"] * 2,
            "customer_count": [10, 40, 20, 0, 3, 0],
            "segment_count": [70] * 3 + [3] * 3,
        }
    )
    shape = Shape("levels", by=("segment_name", "country"), wholes=("segment_count",))
    shown = publish_table(table, shape, smallest_cell=5).frame
    # FI of x would tell of FI of y, and EE of x of FI of x.
    hidden = [True, True, False, True, True, True]
    assert np.isnan(shown["customer_count"].astype(float)).tolist() == hidden
    assert shown["segment_count"].isna().tolist() == hidden
    apart = Shape("levels", by=("segment_name", "country"))
    assert read_counts(table, apart)[3] == 0


def test_what_is_made_of_a_published_table_stays_hidden_with_its_note():
    published = publish_table(make_sizes(60, 40, 3), SIZES, smallest_cell=5)
    more = published.frame.assign(rank=[1, 2, 3])
    again = publish_table(more, SIZES, smallest_cell=5).frame
    assert again["rank"].isna().tolist() == [False, True, True]
    assert again["note"].tolist() == published.frame["note"].tolist()
    assert again["is_hidden"].tolist() == [False, True, True]


def test_rows_that_are_no_people_pass():
    table = pd.DataFrame({"table": ["orders"], "read": [3]})
    shape = Shape("counts", population="rows", by=("table",))
    assert publish_table(table, shape, smallest_cell=5).frame["read"].tolist() == [3]


def test_the_table_that_is_published_is_not_changed():
    table = make_sizes(60, 40, 3)
    before = table.copy()
    publish_table(table, SIZES, smallest_cell=5)
    pd.testing.assert_frame_equal(table, before)


def test_each_cell_has_a_record():
    published = publish_table(
        make_sizes(60, 40, 3), SIZES, smallest_cell=5, roundings={"spend": 0.01}
    )
    records = published.records
    assert len(records) == 6  # three segments, two measures
    first = records.iloc[0]
    assert first["population"] == "customers"
    assert first["dimensions"] == "segment_name=S0"
    assert first["measure"] == "customer_count"
    assert first["value"] == "60"
    hidden = records[records["hidden"]]
    assert len(hidden) == 4
    assert hidden["value"].isna().all()
    assert records.loc[records["measure"] == "spend", "rounding"].tolist() == [0.01] * 3


def test_a_table_without_rows_keeps_its_reason():
    published = publish_table(empty_table(["a"], "Nobody was asked."), SIZES, smallest_cell=5)
    assert published.empty
    assert published.reason == "Nobody was asked."


def test_a_table_without_the_columns_of_its_shape_is_refused():
    with pytest.raises(SegkitError, match="columns that its shape names") as error:
        publish_table(make_sizes(60, 40), Shape("sizes", by=("segment",)), smallest_cell=5)
    assert "no segment" in str(error.value.describe())


def test_only_rows_of_the_published_table_can_be_kept():
    published = publish_table(make_sizes(60, 40), SIZES, smallest_cell=5)
    assert published.keep(published.frame["spend"] > 5000).frame["segment_name"].tolist() == ["S0"]
    with pytest.raises(SegkitError, match="not of the published table"):
        published.keep(make_sizes(60, 40).assign(secret=1))


counts_of_a_grid = st.lists(
    st.lists(st.integers(min_value=0, max_value=12), min_size=3, max_size=3), min_size=2, max_size=4
)


@pytest.mark.slow
@given(counts_of_a_grid, st.integers(min_value=2, max_value=6))
def test_no_line_of_a_grid_has_a_lone_hidden_count(grid, smallest_cell):
    rows = [
        (f"r{i}", f"c{j}", count) for i, line in enumerate(grid) for j, count in enumerate(line)
    ]
    table = pd.DataFrame(rows, columns=["value", "segment_name", "customer_count"])
    shape = Shape("grid", by=("value", "segment_name"))
    shown = publish_table(table, shape, smallest_cell=smallest_cell).frame
    counts = table["customer_count"]
    small = counts.between(1, smallest_cell - 1)
    hidden = shown["customer_count"].isna()
    assert hidden[small].all()
    for direction in ("value", "segment_name"):
        for _, line in table.groupby(direction):
            positive = line.index[line["customer_count"] > 0]
            # A lone hidden count is only left where no other count could join it.
            assert hidden[line.index].sum() != 1 or len(positive) == 1


@pytest.mark.slow
@given(st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=8))
def test_rows_stay_in_their_order(counts):
    table = make_sizes(*counts)
    shown = publish_table(table, SIZES, smallest_cell=5).frame
    assert shown["segment_name"].tolist() == table["segment_name"].tolist()
    assert shown.index.tolist() == table.index.tolist()


def test_a_column_that_rests_on_few_others_is_hidden_where_its_row_is_shown():
    table = make_sizes(60, 40, 30).assign(index=[90.0, 110.0, 107.0], unknown_count=[0, 3, 10])
    rests = {"index": "unknown_count", "unknown_count": "unknown_count"}
    shape = Shape("levels", by=("segment_name",), rests=rests)
    published = publish_table(table, shape, smallest_cell=5)
    assert published.frame["customer_count"].tolist() == [60, 40, 30]
    assert published.frame["index"].isna().tolist() == [False, True, False]
    assert published.frame["unknown_count"].isna().tolist() == [False, True, False]
    hidden = published.records.query("hidden")
    assert set(zip(hidden["dimensions"], hidden["measure"], strict=True)) == {
        ("segment_name=S1", "index"),
        ("segment_name=S1", "unknown_count"),
    }
    assert published.read_figure("index", how="mean").value is None


ANSWERS = Shape("answers", by=("segment_name", "answer"), wholes=("segment_count",))


def make_answers(yes: int, no: int) -> pd.DataFrame:
    counts = [yes, no, 40, 60]
    names = ["S", "S", "large", "large"]
    table = pd.DataFrame({"segment_name": names, "answer": ["yes", "no"] * 2})
    wholes = [yes + no, yes + no, 100, 100]
    return table.assign(customer_count=counts, segment_count=wholes)


def test_that_all_or_none_of_a_small_group_say_yes_is_hidden():
    assert np.isnan(read_counts(make_answers(7, 0), ANSWERS)).tolist() == [True] * 4
    assert np.isnan(read_counts(make_answers(0, 9), ANSWERS)).tolist() == [True] * 4
    assert read_counts(make_answers(0, 10), ANSWERS) == [0, 10, 40, 60], "ten are twice the limit"


def test_a_part_of_a_group_that_is_hidden_is_hidden():
    table = make_answers(20, 30)
    table["segment_count"] = table["segment_count"].astype("Int64").mask(table["answer"] == "no")
    hidden = np.isnan(read_counts(table, ANSWERS))
    assert hidden[1]
    assert hidden[3]


def test_what_was_hidden_once_stays_hidden():
    shape = Shape("sizes", by=("segment_name",), adds_up=False)
    table = make_sizes(60, 40).assign(is_hidden=[False, True], note=["", "for its own reason"])
    published = publish_table(table, shape, smallest_cell=5)
    assert published.frame["spend"].isna().tolist() == [False, True]
    assert published.frame["note"].tolist() == ["", "for its own reason"]


def test_amounts_need_twice_as_many_customers_as_counts():
    shape = Shape("sizes", by=("segment_name",), adds_up=False)
    table = make_sizes(60, 9, 10).assign(customer_share=[0.8, 0.1, 0.1], mean_spend=[1.0, 2.0, 3.0])
    shown = publish_table(table, shape, smallest_cell=5).frame
    assert shown["customer_count"].tolist() == [60, 9, 10]
    assert shown["customer_share"].notna().all()
    assert shown["spend"].isna().tolist() == [False, True, False]
    assert shown["mean_spend"].isna().tolist() == [False, True, False]
    assert shown["note"].str.startswith("too few customers for amounts").tolist() == [
        False,
        True,
        False,
    ]


def test_the_amounts_beside_a_hidden_one_are_hidden_where_groups_add_up():
    shown = publish_table(make_sizes(60, 9, 10), SIZES, smallest_cell=5).frame
    assert shown["spend"].isna().tolist() == [False, True, True]
    assert shown["customer_count"].tolist() == [60, 9, 10]


def test_an_extreme_is_never_shown():
    table = make_sizes(60, 40).assign(smallest=[1.0, 2.0], max_spend=[9.0, 8.0])
    shown = publish_table(table, SIZES, smallest_cell=5).frame
    assert shown[["smallest", "max_spend"]].isna().all(axis=None)
    assert shown["spend"].notna().all()


def test_a_sum_that_one_or_two_customers_make_is_hidden():
    table = make_sizes(60, 40, 30).assign(
        spend=[1000.0, 1000.0, 1000.0],
        spend_largest=[100.0, 900.0, 500.0],
        spend_second=[90.0, 50.0, 451.0],
    )
    shape = Shape("sizes", by=("segment_name",), adds_up=False)
    shown = publish_table(table, shape, smallest_cell=5).frame
    # 50 is left beside 900 and 50, less than a tenth of 900; 49 beside 500 and 451, less than 50.
    assert shown["spend"].isna().tolist() == [False, True, True]
    assert shown["customer_count"].tolist() == [60, 40, 30]
    assert not [column for column in shown if column.startswith("spend_")]


def test_two_sums_that_are_hidden_together_do_not_tell_who_made_them():
    table = make_sizes(60, 40, 30).assign(
        spend=[5000.0, 1000.0, 1.0], spend_largest=[100.0, 990.0, 0.1], spend_second=[90.0, 1, 0.1]
    )
    shown = publish_table(table, SIZES, smallest_cell=5).frame
    # Of the smallest two together 990 of 1001 is one customer's still, so all are hidden.
    assert shown["spend"].isna().all()


def test_of_a_mean_it_is_the_sum_that_one_customer_makes():
    table = make_sizes(60, 40).assign(
        index=[90.0, 110.0], index_sum=[5000.0, 900.0], index_largest=[100.0, 880.0],
        index_second=[90.0, 10.0],
    )  # fmt: skip
    shape = Shape("sizes", by=("segment_name",), adds_up=False)
    shown = publish_table(table, shape, smallest_cell=5).frame
    assert shown["index"].isna().tolist() == [False, True]
    assert list(shown) == ["segment_name", "customer_count", "spend", "index", "note", "is_hidden"]


def test_a_running_sum_is_hidden_whole():
    table = make_sizes(60, 40, 30, 9).assign(running_share=[0.5, 0.8, 0.95, 1.0])
    shape = Shape("sizes", by=("segment_name",), running=("running_share",))
    shown = publish_table(table, shape, smallest_cell=5).frame
    assert shown["running_share"].isna().all()
    assert shown["spend"].notna().tolist() == [True, True, False, False]


def test_where_one_customer_may_be_seen_nothing_is_hidden():
    table = make_sizes(1, 2).assign(smallest=[1.0, 2.0], spend_largest=[100.0, 190.0])
    shown = publish_table(table, SIZES, smallest_cell=1).frame
    assert shown[["customer_count", "spend", "smallest"]].notna().all(axis=None)


def test_hidden_counts_are_open_for_the_smallest_cell():
    # 2 and 2 add up to 4: with none of them 0, each would be known to within two.
    assert np.isnan(read_counts(make_sizes(60, 40, 2, 2), SIZES)).tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_a_column_rests_on_a_column_that_is_there():
    shape = Shape("levels", by=("segment_name",), rests={"spend": "unknown_count"})
    with pytest.raises(SegkitError, match="does not have the columns"):
        publish_table(make_sizes(60, 40), shape, smallest_cell=5)
