"""A kept segmentation places the customers of a file as it places a DataFrame."""

from __future__ import annotations

import pandas as pd
import pytest
from test_segmentation import COLUMNS, fit, make_customers

from segkit.core.errors import SegkitError
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
