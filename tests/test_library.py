"""The library without a plan: what it gives, and what it says to what it cannot use."""

from __future__ import annotations

import datetime
import decimal
import gc
import tomllib
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from small_plans import make_plan

import segkit
from segkit import SegkitError
from segkit.data.checks import prepare_tables
from segkit.features import customer_table
from segkit.library.customers import LinesWarning
from segkit.library.models import FILE
from segkit.plan.models import Scheme
from segkit.segmentation import documents

DAY = datetime.date(2025, 6, 23)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return segkit.load_sample_lines()


@pytest.fixture(scope="module")
def prepared(lines):
    return segkit.prepare_lines(lines)


@pytest.fixture(scope="module")
def customers(prepared) -> pd.DataFrame:
    return segkit.build_customers(prepared)


@pytest.fixture
def shop() -> pd.DataFrame:
    visits = [1, 2, 1, 3, 4, 30, 31, 29, 32, 33]
    return pd.DataFrame({"visits": visits, "channel": ["web"] * 5 + ["app"] * 5})


# --- lines ---


def test_each_line_is_accepted_or_rejected_with_a_reason(lines, prepared):
    counts = prepared.counts
    assert counts["read"] == len(lines)
    assert counts["accepted"] + counts["rejected"] == len(lines)
    assert prepared.table.count().execute() == counts["accepted"]
    assert len(prepared.rejected) == counts["rejected"]
    assert prepared.rejected["reasons"].str.len().min() > 10
    assert prepared.as_of == DAY


def test_the_rejected_lines_are_those_that_were_broken(lines, prepared):
    rejected = prepared.rejected.set_index("source_row")
    broken = lines["ordered_at"].eq("2025-02-30") | lines["quantity"].isna()
    broken |= lines["customer_id"].isna()
    assert sorted(rejected.index) == (np.flatnonzero(broken) + 1).tolist()


def test_lines_are_accepted_as_a_plan_accepts_them(lines, prepared, tmp_path):
    lines.to_parquet(tmp_path / "lines.parquet")
    plan = make_plan(tmp_path, {"order_lines": "lines.parquet"}, as_of=DAY.isoformat())
    by_plan = prepare_tables(plan, tmp_path / "run")
    expected = pd.read_parquet(by_plan.paths["order_lines"])
    assert_frame_equal(prepared.table.to_pyarrow().to_pandas(), expected, check_dtype=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["arrow", "polars", "ibis", "csv", "path", "mixed"])
def test_lines_may_be_a_table_of_any_kind(kind, lines, prepared, tmp_path):
    given = convert_lines(lines, kind, tmp_path)
    other = segkit.prepare_lines(given)
    assert other.counts == prepared.counts
    columns = ["customer_id", "order_id", "ordered_at", "line_amount"]
    order = ["order_id", "line_amount", "customer_id"]
    expected = prepared.table.select(columns).order_by(order).to_pyarrow().to_pandas()
    found = other.table.select(columns).order_by(order).to_pyarrow().to_pandas()
    assert_frame_equal(found, expected, check_dtype=False)


def convert_lines(lines: pd.DataFrame, kind: str, folder: Path) -> object:
    if kind == "arrow":
        return to_arrow(lines)
    if kind == "polars":
        return pytest.importorskip("polars").from_arrow(to_arrow(lines))
    if kind == "ibis":
        return ibis.memtable(lines)
    if kind == "mixed":  # as pandas reads a column of Excel that has both
        return lines.assign(quantity=lines["quantity"].astype(object).map(mix))
    path = folder / "lines.csv"
    lines.to_csv(path, index=False)
    return path if kind == "path" else str(path)


def to_arrow(lines: pd.DataFrame) -> object:
    import pyarrow as pa

    return pa.Table.from_pandas(lines, preserve_index=False)


def mix(value: object) -> object:
    return str(value) if pd.notna(value) and value == 2 else value


def test_columns_have_ones_own_names(lines, prepared):
    renamed = lines.rename(columns={"customer_id": "Client", "quantity": "Qty"})
    names = {"customer_id": "Client", "quantity": "Qty"}
    assert segkit.prepare_lines(renamed, names).counts == prepared.counts


def test_our_own_names_are_found_in_any_case(lines, prepared):
    assert segkit.prepare_lines(lines.rename(columns=str.upper)).counts == prepared.counts


def test_an_index_with_a_name_is_a_column(lines, prepared):
    assert segkit.prepare_lines(lines.set_index("order_id")).counts == prepared.counts


def test_formats_may_be_declared():
    rows = [
        ("1", "P", "C1", "03.02.2025", "2", "1.000,50"),
        ("2", "P", "C2", "04.02.2025", "1", "3,25"),
    ]
    names = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
    frame = pd.DataFrame(rows, columns=names)
    found = segkit.prepare_lines(frame, decimal=",", date_format="%d.%m.%Y")
    table = found.table.order_by("order_id").to_pyarrow().to_pydict()
    assert table["line_amount"] == [2001.0, 3.25]
    assert found.as_of == datetime.date(2025, 2, 4)


@pytest.mark.slow
def test_days_are_those_of_the_zone_that_a_column_says(lines):
    days = lines["ordered_at"].replace("2025-02-30", "2025-02-28")
    midnight = pd.to_datetime(days).dt.tz_localize("Europe/Helsinki")
    for given in (lines.assign(ordered_at=midnight), to_arrow(lines.assign(ordered_at=midnight))):
        assert segkit.prepare_lines(given).as_of == DAY
    stored = lines.assign(ordered_at=midnight.dt.tz_convert("UTC"))
    assert segkit.prepare_lines(stored).as_of == DAY - datetime.timedelta(days=1)
    assert segkit.prepare_lines(stored, time_zone="Europe/Helsinki").as_of == DAY


def test_lines_that_are_prepared_are_not_prepared_again(prepared):
    with pytest.raises(SegkitError, match="prepared already"):
        segkit.prepare_lines(prepared)


def test_an_argument_is_never_changed(lines):
    before = lines.copy(deep=True)
    segkit.prepare_lines(lines)
    assert_frame_equal(lines, before)


def test_policies_hold_as_in_a_plan(lines):
    twice = pd.concat([lines, lines.head(3)], ignore_index=True)
    kept = segkit.prepare_lines(twice)
    dropped = segkit.prepare_lines(twice, policies={"exact_duplicates": "drop"})
    assert kept.counts["accepted"] - dropped.counts["accepted"] == 3


def test_lines_in_currencies_need_to_say_which(lines):
    priced = lines.assign(currency="USD")
    with pytest.raises(
        SegkitError, match=r'Pass the lines\' currency, as currency="EUR"'
    ) as caught:
        segkit.prepare_lines(priced)
    assert "'USD'" in str(caught.value)
    assert segkit.prepare_lines(priced, currency="USD").counts["rejected"] == 6


def test_the_temporary_folder_goes_with_the_table(lines, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = segkit.prepare_lines(lines)
    table = found.table
    del found
    gc.collect()
    assert table.count().execute() > 0
    assert not list(tmp_path.rglob(FILE))  # what was given is not kept twice
    table.get_backend().disconnect()
    del table
    gc.collect()
    with pytest.raises(SegkitError):
        segkit.prepare_lines(lines.drop(columns="quantity"))
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) <= 1  # Ibis may remember a connection until Python ends


def test_the_account_is_told_in_sentences(prepared):
    told = prepared.describe()
    assert told[0] == "3,402 lines read until 2025-06-23: 3,396 accepted, 6 rejected."
    assert "2 lines rejected: The ordered time is not a date or time." in told
    assert "1 line rejected: There is no quantity." in told
    assert repr(prepared) == (
        "PreparedLines(3,402 read, 3,396 accepted, 6 rejected, 0 warnings, as_of 2025-06-23)"
    )


def test_a_warning_of_the_checks_is_told(lines):
    far = lines.copy()
    far.loc[0, "unit_price"] = 99_999.0
    warned = segkit.prepare_lines(far).warnings
    assert len(warned) >= 1
    assert set(warned["severity"]) == {"warning"}


BAD_LINES = {
    "a column": (lambda lines: lines["order_id"], {}, "this is not a table", ""),
    "durations": (
        lambda lines: lines.assign(quantity=pd.to_timedelta(1, unit="D")),
        {},
        "The quantity is not a number",
        "",
    ),
    "no table": (lambda lines: [1, 2], {}, "this is not a table", "builtins"),
    "a dict": (lambda lines: {"a": 1}, {}, "this is not a table", ""),
    "no such file": (lambda lines: "no/such.csv", {}, "no/such.csv", ""),
    "no rows": (lambda lines: lines.head(0), {}, "has a header but no rows", ""),
    "column missing": (
        lambda lines: lines.rename(columns={"quantity": "quantitty"}),
        {},
        'Pass columns={"quantity": "quantitty"}',
        "",
    ),
    "mapped away": (lambda lines: lines, {"columns": {"quantity": "Qty"}}, "no column 'Qty'", ""),
    "wrong way round": (
        lambda lines: lines,
        {"columns": {"Client": "customer_id"}},
        'columns={"customer_id": "Client"}',
        "",
    ),
    "unknown name": (lambda lines: lines, {"columns": {"custmer_id": "x"}}, "'customer_id'", ""),
    "no mapping": (lambda lines: lines, {"columns": ["a"]}, "Write our name first", ""),
    "no day": (lambda lines: lines, {"as_of": "31.03.2026"}, "as_of is not a date", ""),
    "day is a number": (lambda lines: lines, {"as_of": 2026}, "as_of is not a date", ""),
    "before the first": (lambda lines: lines, {"as_of": "2001-01-01"}, "Pass another as_of", ""),
    "mark": (lambda lines: lines, {"decimal": ";"}, "'decimal' is not right", ""),
    "policy": (lambda lines: lines, {"policies": {"returns": "burn"}}, "'net' or 'drop'", ""),
    "policy's name": (lambda lines: lines, {"policies": {"refunds": "net"}}, "returns", ""),
    "zone": (lambda lines: lines, {"time_zone": "Mars/Olympus"}, "time_zone", ""),
    "unknown words": (lambda lines: lines, {"unknown": "none"}, "Write ['none']", ""),
    "twice": (lambda lines: pd.concat([lines, lines], axis=1), {}, "two columns have one name", ""),
    "levels": (
        lambda lines: lines.set_axis(pd.MultiIndex.from_product([["a"], lines.columns]), axis=1),
        {},
        "several levels",
        "",
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_lines_that_cannot_be_used_are_refused_in_the_words_of_the_call(name, lines):
    make, options, expected, absent = BAD_LINES[name]
    with pytest.raises(SegkitError) as caught:
        segkit.prepare_lines(make(lines), **options)
    told = str(caught.value)
    assert expected in told
    assert not absent or absent not in told
    for word in ("plan", "[tables", "toml", FILE, "XXX", "segkit-"):
        assert word not in told, told


def test_dates_that_can_be_read_in_two_ways_are_told_with_what_to_pass():
    rows = [(str(i), "P", f"C{i}", f"0{1 + i % 3}/0{1 + i % 4}/2025", 1, 2.0) for i in range(12)]
    names = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
    warned = segkit.prepare_lines(pd.DataFrame(rows, columns=names)).warnings
    told = " ".join(warned["treatment"])
    assert "date_format" in told
    assert "plan" not in told


# --- customers ---


@pytest.mark.slow
def test_customers_are_those_of_a_run(customers, prepared):
    tables = {"order_lines": prepared.table}
    expected = customer_table.build_customers(tables, as_of=DAY).frame
    assert_frame_equal(customers, expected)
    assert customers.attrs == {"as_of": "2025-06-23"}


def test_customers_can_be_written_as_parquet(customers, tmp_path):
    customers.to_parquet(tmp_path / "customers.parquet")
    assert len(pd.read_parquet(tmp_path / "customers.parquet")) == len(customers)


@pytest.mark.slow
@pytest.mark.parametrize(
    "day", ["2025-01-31", datetime.date(2025, 1, 31), pd.Timestamp("2025-01-31")]
)
def test_a_day_may_be_text_date_or_time(day, prepared):
    found = segkit.build_customers(prepared.table, as_of=day)
    assert found["last_order_on"].max() <= pd.Timestamp("2025-01-31")
    assert found.attrs["as_of"] == "2025-01-31"


@pytest.mark.slow
def test_raw_lines_are_prepared_on_the_way_and_what_is_lost_is_told(lines, customers):
    with pytest.warns(LinesWarning, match="6 of 3,402 order lines were rejected"):
        found = segkit.build_customers(lines)
    assert_frame_equal(found, customers)


def test_a_raw_table_of_ibis_is_checked_too(lines):
    with pytest.warns(LinesWarning):
        found = segkit.build_customers(ibis.memtable(lines), as_of=DAY)
    assert len(found) == 240


def test_several_accepted_tables_come_by_name(prepared):
    who = ibis.duckdb.connect()
    with pytest.raises(SegkitError, match="have not been checked"):
        segkit.build_customers({"order_lines": ibis.memtable(pd.DataFrame({"order_id": ["1"]}))})
    with pytest.raises(SegkitError, match="this is not a table"):
        segkit.build_customers({"order_lines": prepared, "customers": 3})
    with pytest.raises(SegkitError, match="there is no table"):
        segkit.build_customers({})
    who.disconnect()


def test_no_customer_until_a_day_is_an_error(prepared):
    with pytest.raises(SegkitError, match="no customer has an order until as_of"):
        segkit.build_customers(prepared, as_of="2001-01-01")


# --- fit, assign ---


def test_a_segmentation_is_that_of_a_scheme(customers):
    columns = ["recency_days", "order_count", "total_spend"]
    found = segkit.fit_segmentation(customers, columns, 3, method="kmeans", random_state=5)
    scheme = Scheme(
        name="kmeans", goal="unnamed", base=found.base, method="kmeans", columns=columns
    )
    expected, labels = documents.fit_segmentation(
        customers, scheme, n_segments=3, as_of=DAY, random_state=5
    )
    assert found == expected
    assert found.assign(customers)["segment"].tolist() == labels.tolist()
    assert found.as_of == DAY  # as build_customers left it


def test_the_order_of_customers_changes_nothing(customers):
    mixed = customers.sample(frac=1, random_state=1)
    columns = ["recency_days", "total_spend"]
    found = segkit.fit_segmentation(customers, columns, 3)
    assert segkit.fit_segmentation(mixed, columns, 3) == found


def test_two_seeds_are_two_starts_and_one_seed_is_one_result(customers):
    columns = ["recency_days", "mean_order_value"]
    first = segkit.fit_segmentation(customers, columns, 6, random_state=1)
    assert segkit.fit_segmentation(customers, columns, 6, random_state=1) == first
    assert first.random_state == 1


def test_a_table_of_ones_own_needs_no_feature_of_ours(shop):
    found = segkit.fit_segmentation(shop, ["visits", "channel"], 2, as_of="2026-01-31")
    assert found.as_of == datetime.date(2026, 1, 31)
    placed = found.assign(shop)
    assert placed["segment"].nunique() == 2
    assert placed.groupby("channel")["segment"].nunique().tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["polars", "arrow", "ibis"])
def test_customers_may_be_a_table_of_any_kind(kind, shop):
    expected = segkit.fit_segmentation(shop, ["visits", "channel"], 2, as_of=DAY)
    given = convert_lines(shop, kind, Path())
    found = segkit.fit_segmentation(given, ["visits", "channel"], 2, as_of=DAY)
    assert found == expected
    placed = segkit.assign_segments(found, given)
    if kind == "ibis":
        assert isinstance(placed, ibis.Table)
        placed = placed.order_by("visits").to_pandas()
        shop = shop.sort_values("visits")
    assert placed["segment"].tolist() == expected.assign(shop)["segment"].tolist()


def test_segments_are_named_in_order_or_by_number(shop):
    names = segkit.fit_segmentation(shop, ["visits"], 2, names=["One", "Two"]).names
    assert names == {1: "One", 2: "Two"}
    some = segkit.fit_segmentation(shop, ["visits"], 2, names={2: "Two"}).names
    assert some[2] == "Two"
    assert some[1] not in ("", "Two")


def test_rules_cut_without_a_number(shop):
    rules = [{"name": "Often", "when": "visits > 10"}, {"name": "Rest", "when": "true"}]
    found = segkit.fit_segmentation(shop, method="rules", rules=rules)
    assert [segment.customer_count for segment in found.segments] == [5, 5]


def test_rfm_needs_no_columns(customers):
    found = segkit.fit_segmentation(customers, method="rfm")
    assert found.segments[0].name == "Champions"
    scores = segkit.score_rfm(customers)
    best = scores[found.assign(customers)["segment"].to_numpy() == 1]
    assert best["recency"].min() >= 4
    assert scores["customer_id"].tolist() == customers["customer_id"].tolist()


def test_a_document_is_read_as_it_was_written(shop, tmp_path):
    found = segkit.fit_segmentation(shop, ["visits"], 2)
    found.write_json(tmp_path / "found.json")
    again = segkit.read_segmentation(str(tmp_path / "found.json"))
    assert again == found
    assert "CASE" in again.to_sql("snowflake") or "WITH" in again.to_sql("snowflake")


BAD_FITS = {
    "no table": ((3, ["visits"], 2), {}, "this is not a table"),
    "no rows": ((pd.DataFrame({"visits": []}), ["visits"], 2), {}, "no rows"),
    "one column's name": ((None, "visits", 2), {}, "Write ['visits']"),
    "no column": ((None, ["visit"], 2), {}, "Did you mean 'visits'?"),
    "twice": ((None, ["visits", "visits"], 2), {}, "names a column twice"),
    "a number for a name": ((None, [1], 2), {}, "columns is a list of names"),
    "no columns": ((None, [], 2), {}, "needs columns"),
    "no number": ((None, ["visits"]), {}, "how many segments"),
    "true": ((None, ["visits"], True), {}, "whole number from 2 to 20"),
    "negative": ((None, ["visits"], -3), {}, "whole number from 2 to 20"),
    "half": ((None, ["visits"], 2.5), {}, "whole number from 2 to 20"),
    "one": ((None, ["visits"], 1), {}, "whole number from 2 to 20"),
    "text": ((None, ["visits"], "2"), {}, "whole number from 2 to 20"),
    "too many": ((None, ["visits"], 20), {}, "20"),
    "method": ((None, ["visits"], 2), {"method": "kmean"}, "'kmeans'"),
    "method is none": ((None, ["visits"], 2), {"method": None}, "'method' is not right"),
    "setting": ((None, ["visits"], 2), {"gama": 1}, "gamma"),
    "setting's value": ((None, ["visits"], 2), {"gamma": -1}, "'gamma' is not right"),
    "a plan's": ((None, ["visits"], 2), {"goal": "x"}, "'goal' belongs to a plan"),
    "seed": ((None, ["visits"], 2), {"random_state": -1}, "random_state is a whole number"),
    "seed is true": ((None, ["visits"], 2), {"random_state": True}, "random_state is a whole"),
    "seed is none": ((None, ["visits"], 2), {"random_state": None}, "random_state is a whole"),
    "day": ((None, ["visits"], 2), {"as_of": "soon"}, "as_of is not a date"),
    "no day": ((None, ["visits"], 2), {"as_of": pd.NaT}, "as_of is not a date"),
    "names": ((None, ["visits"], 2), {"names": "AB"}, "names is a list of texts"),
    "too few names": ((None, ["visits"], 2), {"names": ["A"]}, "1 names for 2 segments"),
    "same names": ((None, ["visits"], 2), {"names": ["A", "A"]}, "two segments have one name"),
    "empty name": ((None, ["visits"], 2), {"names": ["A", " "]}, "name is a text"),
    "no such segment": ((None, ["visits"], 2), {"names": {3: "A"}}, "no such segment"),
    "a column": ((pd.Series([1, 2], name="visits"), ["visits"], 2), {}, "this is not a table"),
    "an array": ((np.ones((3, 1)), ["visits"], 2), {}, "this is not a table"),
    "text as number": ((None, ["channel"], 2), {"method": "kmeans"}, "channel"),
}  # fmt: skip


@pytest.mark.parametrize("method", ["kprototypes", "kmeans", "latent_classes"])
@pytest.mark.parametrize("make", [pd.to_datetime, pd.to_timedelta])
def test_times_are_no_levels(make, method, shop):
    dated = shop.assign(since=make([1, 2] * 5, unit="D"))
    with pytest.raises(SegkitError, match=f"'since' is a time, which {method} does not take"):
        segkit.fit_segmentation(dated, ["since"], 2, method=method)


def test_columns_with_numbers_for_names_are_known_by_their_text():
    table = pd.DataFrame(np.repeat([[1.0, 2.0], [30.0, 9.0]], 5, axis=0))
    found = segkit.fit_segmentation(table, ["0", "1"], 2)
    assert segkit.assign_segments(found, table)["segment"].nunique() == 2
    assert list(table.columns) == [0, 1]


@pytest.mark.parametrize("given", [[1], {"visits": [1]}, "customers.csv"])
def test_assigning_what_is_no_table_is_refused(given, shop):
    found = segkit.fit_segmentation(shop, ["visits"], 2)
    with pytest.raises(SegkitError, match="this is not a table"):
        found.assign(given)
    with pytest.raises(SegkitError, match="this is not a table"):
        segkit.assign_segments(found, given)


@pytest.mark.parametrize("name", BAD_FITS)
def test_a_fit_that_cannot_be_is_refused_in_words(name, shop):
    arguments, options, expected = BAD_FITS[name]
    first = shop if arguments[0] is None else arguments[0]
    with pytest.raises(SegkitError) as caught:
        segkit.fit_segmentation(first, *arguments[1:], **options)
    assert expected in str(caught.value)


BAD_CUSTOMERS = {
    "twice": (lambda f: f.assign(customer_id=["a"] * 10), "build_customers(lines)"),
    "nobody": (lambda f: f.assign(customer_id=[None, *"bcdefghij"]), "a customer has no id"),
    "another name": (
        lambda f: f.assign(CustomerID=list("abcdefghij")),
        '"CustomerID": "customer_id"',
    ),
    "index": (
        lambda f: f.set_index(pd.Index(list("abcdefghij"), name="customer_id")),
        "reset_index()",
    ),
    "repeated": (lambda f: pd.concat([f, f], axis=1), "two columns have one name"),
}


@pytest.mark.parametrize("name", BAD_CUSTOMERS)
@pytest.mark.parametrize("call", ["fit", "assign", "size"])
def test_customers_that_are_not_one_row_each_are_refused_everywhere(name, call, shop):
    make, expected = BAD_CUSTOMERS[name]
    found = segkit.fit_segmentation(shop, ["visits"], 2)
    bad = make(found.assign(shop))
    calls = {
        "fit": lambda: segkit.fit_segmentation(bad, ["visits"], 2),
        "assign": lambda: segkit.assign_segments(found, bad),
        "size": lambda: segkit.size_segments(bad),
    }
    with pytest.raises(SegkitError) as caught:
        calls[call]()
    assert expected in str(caught.value)


def test_a_segmentation_in_place_of_columns_is_told_what_it_was_fitted_with(noise):
    found = segkit.fit_segmentation(noise, ["length", "width"], 3)
    for call in (segkit.judge_segmentation, segkit.compare_counts):
        with pytest.raises(SegkitError) as refused:
            call(noise, found)
        assert refused.value.fix == 'Write what it was fitted with: ["length", "width"], 3.'


def test_what_is_no_segmentation_is_refused(shop):
    with pytest.raises(SegkitError, match="this is no segmentation"):
        segkit.assign_segments("found.json", shop)
    with pytest.raises(SegkitError, match="this is not a path"):
        segkit.read_segmentation(shop)
    with pytest.raises(SegkitError, match="cannot be read"):
        segkit.read_segmentation("no-such.json")


# --- judge ---


@pytest.fixture(scope="module")
def noise() -> pd.DataFrame:
    values = np.random.default_rng(4).normal(size=(300, 2))
    return pd.DataFrame(values, columns=["length", "width"])


def test_groups_hold_and_noise_does_not_find_any(noise):
    groups = noise.copy()
    groups.iloc[:100] += 9
    found = segkit.judge_segmentation(groups, ["length", "width"], 2, bootstrap_pairs=6)
    assert found.holds
    assert found.kind == "natural"
    none = segkit.judge_segmentation(noise, ["length", "width"], 3, bootstrap_pairs=6)
    assert none.kind in ("constructive", "none", "reproducible")
    assert any("verdict" in line for line in none.describe())


def test_what_is_judged_is_what_is_fitted(noise):
    found = segkit.judge_segmentation(noise, ["length", "width"], 3, bootstrap_pairs=4, as_of=DAY)
    assert found.segmentation == segkit.fit_segmentation(noise, ["length", "width"], 3, as_of=DAY)
    assert found.n_segments == 3
    assert len(found.segments) == 3


def test_a_number_is_chosen_among_several(noise):
    groups = noise.copy()
    groups.iloc[:100] += 9
    groups.iloc[100:200] -= 9
    found = segkit.compare_counts(groups, ["length", "width"], range(2, 5), bootstrap_pairs=6)
    assert found.n_segments == 3
    assert found.candidates["segment_count"].tolist() == [2, 3, 4]
    assert found.steps["earns_place"].tolist() == [True, False]
    assert len(found.reasons) > 2


def test_stricter_criteria_turn_a_yes_into_a_no(noise):
    groups = noise.copy()
    groups.iloc[:20] += 9
    options = {"bootstrap_pairs": 4}
    assert segkit.judge_segmentation(groups, ["length", "width"], 2, **options).holds
    strict = segkit.judge_segmentation(
        groups, ["length", "width"], 2, criteria={"smallest_customer_share": 0.2}, **options
    )
    assert not strict.holds
    assert "smallest_customer_share" in strict.candidates["faults"].iloc[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n_segments": None}, "n_segments is a whole number"),
        ({"n_segments": True}, "n_segments is a whole number"),
        ({"bootstrap_pairs": 1}, "bootstrap_pairs is a whole number from 2"),
        ({"criteria": {"smallest_reach": 3}}, "smallest_reach"),
        ({"criteria": {"reach": 0.5}}, "smallest_reach"),
    ],
)
def test_a_judgement_that_cannot_be_is_refused_in_words(options, expected, noise):
    given = {"n_segments": 2, **options}
    with pytest.raises(SegkitError, match=expected):
        segkit.judge_segmentation(noise, ["length"], given.pop("n_segments"), **given)


@pytest.mark.parametrize("counts", [(6, 2), (2, 3, 4), "2-6", (True, 3), 1, (2, 30)])
def test_numbers_that_are_none_are_refused(counts, noise):
    with pytest.raises(SegkitError, match="n_segments"):
        segkit.compare_counts(noise, ["length"], counts)


def test_too_few_customers_to_judge_is_said(shop):
    with pytest.raises(SegkitError, match="need"):
        segkit.judge_segmentation(shop, ["visits"], 2)


# --- describe ---


def test_segments_come_beside_the_customers_or_within(customers):
    found = segkit.fit_segmentation(customers, ["recency_days", "total_spend"], 3)
    placed = found.assign(customers)
    apart = placed[["customer_id", "segment", "segment_name"]].sample(frac=1, random_state=0)
    assert_frame_equal(segkit.size_segments(placed), segkit.size_segments(customers, apart))
    sizes = segkit.size_segments(placed)
    assert sizes["customer_count"].sum() == 240
    assert sizes["total_spend"].sum() == pytest.approx(customers["total_spend"].sum())
    assert not [name for name in sizes if name.endswith(("_largest", "_second", "_sum"))]


def test_columns_that_made_the_segments_get_no_p_value(customers):
    found = segkit.fit_segmentation(customers, ["recency_days", "total_spend"], 3)
    profile = segkit.profile_segments(found.assign(customers), made_by=found.columns)
    made = profile["feature"].isin(found.columns)
    assert profile.loc[made, "p_value"].isna().all()
    others = profile["feature"] == "order_count"
    assert profile.loc[others, "p_value"].notna().all()


def test_a_quiz_asks_what_tells_segments_apart():
    rng = np.random.default_rng(0)
    shop = pd.DataFrame({"age": rng.integers(18, 80, 200), "visits": rng.integers(1, 40, 200)})
    often = shop["visits"] > 20
    placed = shop.assign(segment=np.where(often, 1, 2), segment_name=np.where(often, "A", "B"))
    quiz = segkit.build_quiz(placed, columns=["age", "visits"])
    assert quiz.questions == ("visits",)
    rules = segkit.fit_surrogate(placed, columns=["age"])
    assert rules.accuracy < 0.7


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda f: segkit.size_segments(f), "nothing says who is in which segment"),
        (lambda f: segkit.profile_segments(f, f), "there is no column 'customer_id'"),
        (lambda f: segkit.profile_segments(placed(f), columns=["age"]), "no column 'age'"),
        (lambda f: segkit.profile_segments(placed(f), columns="visits"), "one text"),
        (
            lambda f: segkit.fit_surrogate(placed(f), columns=["visits"], smallest_leaf=0),
            "smallest",
        ),
        (lambda f: segkit.build_quiz(placed(f), columns=["visits"], target_accuracy=90), "0 to 1"),
        (lambda f: segkit.size_segments(f, elsewhere(f)), "no customer has a segment"),
        (lambda f: segkit.size_segments(placed(f).assign(segment="A")), "are whole numbers"),
        (lambda f: segkit.size_segments(placed(f).assign(segment=np.nan)), "nobody has a segment"),
    ],
)
def test_a_description_that_cannot_be_is_refused_in_words(call, expected, shop):
    with pytest.raises(SegkitError, match=expected):
        call(shop)


def placed(shop: pd.DataFrame) -> pd.DataFrame:
    return shop.assign(segment=1, segment_name="All")


def elsewhere(shop: pd.DataFrame) -> pd.DataFrame:
    return placed(shop).assign(customer_id=[f"x{i}" for i in range(len(shop))])


def test_scores_of_equal_values_are_equal():
    values = {"recency_days": [5] * 6, "order_count": [1, 1, 1, 2, 2, 9], "total_spend": [1.0] * 6}
    scores = segkit.score_rfm(pd.DataFrame(values))
    assert scores["frequency"].iloc[:3].nunique() == 1
    assert scores["frequency"].is_monotonic_increasing
    with pytest.raises(SegkitError, match="no column 'total_spend'"):
        segkit.score_rfm(pd.DataFrame(values).drop(columns="total_spend"))


# --- worth ---


def test_worth_is_that_of_the_customer_table(prepared, customers):
    worth = segkit.predict_lifetime_value(prepared)
    found = worth.customers.set_index("customer_id")["lifetime_value"]
    expected = customers.set_index("customer_id")["lifetime_value"]
    assert_frame_equal(found.to_frame(), expected.to_frame(), check_names=False)
    inside = worth.customers["lifetime_value_low"] <= worth.customers["lifetime_value"]
    assert inside.all()
    assert worth.model in ("BG/NBD", "Pareto/NBD", "MBG/NBD", "MBG/CNBD-k")
    assert worth.candidates["is_chosen"].sum() == 1


def test_a_longer_time_brings_more(prepared):
    short, long = (
        segkit.predict_lifetime_value(prepared, horizon_days=days, yearly_discount=0).customers
        for days in (30, 300)
    )
    assert (long["expected_order_count"] > short["expected_order_count"]).all()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"horizon_days": -30}, "horizon_days is a number"),
        ({"horizon_days": True}, "horizon_days is a number"),
        ({"horizon_days": float("nan")}, "horizon_days is a number"),
        ({"yearly_discount": -2}, "yearly_discount is a number"),
        ({"yearly_discount": "10%"}, "yearly_discount is a number"),
        ({"as_of": "yesterday"}, "as_of is not a date"),
    ],
)
def test_a_prediction_that_cannot_be_is_refused_in_words(options, expected, prepared):
    with pytest.raises(SegkitError, match=expected):
        segkit.predict_lifetime_value(prepared, **options)


def test_too_few_who_came_back_are_an_error_and_no_number(lines):
    few = lines[lines["customer_id"].isin([f"C{i:03d}" for i in range(20)])]
    with pytest.raises(SegkitError, match="too few customers"):
        segkit.predict_lifetime_value(segkit.prepare_lines(few))


@pytest.mark.slow
def test_usefulness_is_measured_on_later_time(prepared):
    found = segkit.measure_usefulness(prepared, ["recency_days", "order_count"], 3)
    assert found.split_on < prepared.as_of
    assert found.answer
    early = segkit.measure_usefulness(prepared, ["recency_days"], 2, split_on="2024-01-05")
    assert early.reason


def test_usefulness_refuses_a_column_that_nobody_makes(prepared):
    with pytest.raises(SegkitError, match="Did you mean 'recency_days'"):
        segkit.measure_usefulness(prepared, ["recency_day"], 2)


def test_usefulness_refuses_what_is_no_day(prepared):
    with pytest.raises(SegkitError, match="split_on is not a date"):
        segkit.measure_usefulness(prepared, ["recency_days"], 2, split_on="spring")


# --- compare ---


def test_who_moved_between_two_placements(shop):
    before = segkit.fit_segmentation(shop, ["visits"], 2, names=["A", "B"]).assign(shop)
    moved = before.assign(segment_name=["B", *before["segment_name"].iloc[1:]])
    ids = [f"c{i}" for i in range(len(shop))]
    found = segkit.compare_segments(before.assign(customer_id=ids), moved.assign(customer_id=ids))
    assert before["segment_name"].iloc[0] == "A"
    assert found.summary["moved_count"] == 1
    assert found.summary["common_count"] == 10


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (7, "this is not a table"),
        (pd.DataFrame({"customer_id": ["a"]}), "there is no column 'segment_name'"),
        (pd.DataFrame({"customer_id": ["a", "a"], "segment_name": ["x", "y"]}), "more than once"),
        ("no-such-run", "no-such-run"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused_in_words(before, expected):
    after = pd.DataFrame({"customer_id": ["a"], "segment_name": ["x"]})
    with pytest.raises(SegkitError, match=expected):
        segkit.compare_segments(before, after)


def test_numbers_of_any_kind_of_exactness_are_read():
    frame = pd.DataFrame({"spend": [decimal.Decimal(1), decimal.Decimal(2), decimal.Decimal(90)]})
    assert len(segkit.fit_segmentation(frame, ["spend"], 2).segments) == 2


def test_the_version_is_that_of_the_distribution():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["version"]["path"] == "segkit/__init__.py"
