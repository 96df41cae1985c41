"""A kept segmentation places the customers of a file as it places a DataFrame."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest
from test_segmentation import AS_OF, COLUMNS, fit, make_customers

from segkit.core.errors import SegkitError
from segkit.plan.models import NamedRule, Scheme, TableSpec
from segkit.segmentation.documents import fit_segmentation
from segkit.segmentation.scoring import score_table


@pytest.fixture
def shop(tmp_path):
    customers = make_customers(60)
    segmentation = fit(customers, n=2)
    segmentation.write_json(tmp_path / "segmentation.json")
    customers["customer_id"] = "00" + customers["customer_id"].str[1:]
    return tmp_path, customers, segmentation.assign(customers)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
def test_a_file_gets_the_segments_of_its_dataframe(shop, ending):
    folder, customers, expected = shop
    write = customers.to_parquet if ending == ".parquet" else customers.to_csv
    write(folder / f"in{ending}", index=False)
    out = folder / f"out{ending}"
    counts, unusual, _ = score_table(folder / "segmentation.json", folder / f"in{ending}", out)
    assert unusual.set_index("column")["missing_count"].to_dict() == {
        column: customers[column].isna().sum() for column in COLUMNS
    }
    assert counts == expected["segment_name"].value_counts().to_dict()
    read = pd.read_parquet(out) if ending == ".parquet" else pd.read_csv(out, dtype=str)
    found = read.set_index("customer_id").loc[expected["customer_id"], "segment_name"]
    assert found.tolist() == expected["segment_name"].tolist()


def test_a_bad_file_is_named_and_nothing_is_left_behind(shop):
    folder, customers, _ = shop
    for name, message in (("none.csv", "no such file"), ("none.pdf", "not known")):
        with pytest.raises(SegkitError, match=message):
            score_table(folder / "segmentation.json", folder / name, folder / "out.csv")
    (folder / "bad.parquet").write_text("no Parquet")
    with pytest.raises(SegkitError, match="not a whole Parquet file"):
        score_table(folder / "segmentation.json", folder / "bad.parquet", folder / "out.csv")
    customers.drop(columns="recency_days").to_csv(folder / "few.csv")
    with pytest.raises(SegkitError, match="needs column 'recency_days'"):
        score_table(folder / "segmentation.json", folder / "few.csv", folder / "out.csv")
    assert not list(folder.glob("*out*"))


# ---------------------------------------------------------------- files as they are found


def write_text(customers, path, *, delimiter=",", mark=".", encoding="utf-8"):
    text = customers.to_csv(index=False, sep=delimiter, decimal=mark)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def place(folder, name, **options):
    """Score a file; return what was said, and each customer's segment."""
    scored = score_table(folder / "segmentation.json", folder / name, folder / "o.csv", **options)
    placed = pd.read_csv(folder / "o.csv", dtype=str)
    return scored, placed.set_index("customer_id")["segment_name"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("in.csv", {"delimiter": ";", "mark": ","}),
        ("in.tsv", {"delimiter": "\t", "encoding": "utf-16"}),
        ("in.txt", {"delimiter": "|", "encoding": "utf-8-sig"}),
        ("in.csv.gz", {"delimiter": ";", "mark": ",", "encoding": "utf-16-le"}),
    ],
)
def test_a_text_in_any_style_gets_the_segments_of_its_dataframe(shop, name, style):
    folder, customers, expected = shop
    customers["town"] = "Jyväskylä"
    write_text(customers, folder / name, **style)
    scored, found = place(folder, name)
    expected = expected.set_index("customer_id")["segment_name"]
    assert found.loc[expected.index].tolist() == expected.tolist()
    assert scored.unusual["unreadable_count"].sum() == 0
    assert pd.read_csv(folder / "o.csv")["town"].unique().tolist() == ["Jyväskylä"]


def test_an_excel_file_gets_the_segments_of_its_dataframe(shop):
    folder, customers, expected = shop
    with pd.ExcelWriter(folder / "in.xlsx") as book:
        pd.DataFrame({"about": ["us"]}).to_excel(book, sheet_name="First", index=False)
        customers.to_excel(book, sheet_name="Customers", index=False)
    spec = TableSpec(path="in.xlsx", sheet="Customers")
    _, found = place(folder, "in.xlsx", spec=spec)
    expected = expected.set_index("customer_id")["segment_name"]
    assert found.loc[expected.index].tolist() == expected.tolist()


def test_a_bad_cell_is_a_missing_value_and_a_broken_line_is_left_out_both_counted(shop):
    folder, customers, _ = shop
    texts = customers.astype(object)
    texts.loc[3, "recency_days"] = "ask Ann"
    texts.loc[4, "recency_days"] = "#REF!"
    texts.loc[5, "recency_days"] = "n/a"
    texts.to_csv(folder / "in.csv", index=False)
    with (folder / "in.csv").open("a") as stream:
        stream.write("a,line,cut\n")
    scored, found = place(folder, "in.csv")
    assert len(found) == len(customers)
    unusual = scored.unusual.set_index("column")
    assert unusual["unreadable_count"]["recency_days"] == 1
    known_missing = customers["recency_days"].drop([3, 4, 5]).isna().sum()
    assert unusual["missing_count"]["recency_days"] == known_missing + 3
    notices = scored.notices.set_index("rule")
    assert notices.loc["failed_formula_recency_days", "row_count"] == 1
    assert notices.loc["malformed_line", ["severity", "row_count"]].tolist() == ["warning", 1]


def test_the_same_customer_twice_is_said_with_its_count(shop):
    folder, customers, _ = shop
    twice = pd.concat([customers, customers.iloc[[2, 2, 7]]])
    twice.iloc[-1, 0] = f" {twice.iloc[-1, 0]}\u200b"
    for name in ("in.csv", "in.parquet"):
        (twice.to_csv if name == "in.csv" else twice.to_parquet)(folder / name, index=False)
        scored, _ = place(folder, name)
        told = scored.notices.set_index("rule").loc["repeated_customer"]
        assert (told["severity"], told["row_count"]) == ("warning", 5)
        assert told["reason"] == "2 customers are there more than once."


def test_numbers_for_customers_are_looked_at_for_repeats_too(shop):
    folder, customers, _ = shop
    customers["customer_id"] = [7, *range(1, len(customers))]
    customers.to_parquet(folder / "in.parquet")
    scored, _ = place(folder, "in.parquet")
    assert scored.notices["row_count"].tolist() == [2]


def test_a_mark_that_may_be_either_is_asked_for(shop):
    folder, customers, _ = shop
    texts = customers.astype(object)
    for column in customers.select_dtypes("number"):
        texts[column] = [f"{1 + n % 9},{100 + n}" for n in range(len(texts))]
    texts.to_csv(folder / "in.csv", index=False)
    with pytest.raises(SegkitError, match="--decimal"):
        place(folder, "in.csv")
    place(folder, "in.csv", spec=TableSpec(path="in.csv", decimal=","))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("yes", "no"), [("Yes", "no"), ("Y", "N"), ("true", "FALSE"), ("1", "0"), ("on", "off")]
)
@pytest.mark.parametrize("method", ["kmeans", "kprototypes", "rules"])
def test_words_for_yes_and_no_are_read_as_the_checks_read_them(tmp_path, method, yes, no):
    customers = make_customers(80)
    customers["has_pets"] = [n % 3 == 0 for n in range(80)]
    rules = (
        NamedRule(name="Pets", when="has_pets"),
        NamedRule(name="Petless", when="NOT has_pets"),
        NamedRule(name="Rest", when="TRUE"),
    )
    scheme = Scheme(
        name="pets",
        goal="g",
        base="behavioural",
        method=method,
        columns=() if method == "rules" else ("has_pets", "order_count"),
        rules=rules if method == "rules" else (),
        segments=2,
    )
    model, _ = fit_segmentation(customers, scheme, n_segments=2, as_of=AS_OF, random_state=0)
    model.write_json(tmp_path / "segmentation.json")
    expected = model.assign(customers).set_index("customer_id")["segment_name"]
    texts = customers.assign(has_pets=[yes if pets else no for pets in customers["has_pets"]])
    texts.to_csv(tmp_path / "in.csv", index=False)
    scored, found = place(tmp_path, "in.csv")
    assert found.loc[expected.index].tolist() == expected.tolist()
    assert scored.unusual["missing_count"].sum() == customers["order_count"].isna().sum() * (
        method != "rules"
    )


def test_levels_are_trimmed_and_words_for_nothing_are_missing_in_parquet_too(tmp_path):
    customers = make_customers(200)
    segmentation = fit(customers, "mixed", n=3)
    segmentation.write_json(tmp_path / "segmentation.json")
    levels = [c for c, kind in segmentation.model.kinds.items() if kind == "text"]
    assert levels
    expected = segmentation.assign(customers).set_index("customer_id")["segment_name"]
    unusual = segmentation.count_unusual(customers)
    padded = customers.copy()
    for level in levels:
        padded[level] = [f" {text} " if text == text and text else "NA" for text in padded[level]]
    for name in ("in.csv", "in.parquet"):
        (padded.to_csv if name == "in.csv" else padded.to_parquet)(tmp_path / name, index=False)
        scored, found = place(tmp_path, name)
        assert found.loc[expected.index].tolist() == expected.tolist()
        counted = scored.unusual.drop(columns="unreadable_count")
        pd.testing.assert_frame_equal(counted, unusual, check_dtype=False)
