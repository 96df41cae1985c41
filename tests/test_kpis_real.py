"""KPIs of one's own over real orders and real calls, beside the same figures from plain SQL."""

from __future__ import annotations

import datetime
from pathlib import Path

import ibis
import pandas as pd
import pytest

from segkit.evidence.kpi_definitions import find_kpi
from segkit.evidence.kpi_limits import limit_months, summarise_limits
from segkit.evidence.kpi_months import sum_months
from segkit.evidence.kpi_rows import Source
from segkit.evidence.kpi_sums import sum_kpis
from segkit.evidence.kpi_values import compare_segments, measure_values
from segkit.plan.kpis import Kpi

DATA = Path(__file__).parents[2] / "shared" / "data"
RETAIL = DATA / "online_retail" / "online_retail_as_found.csv.gz"
BANK = DATA / "bank_marketing" / "bank-full.csv.gz"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
RETAIL_KPIS = [
    Kpi(
        name="abroad",
        text="Lines sold abroad",
        over="order_lines",
        measure="share",
        where="country <> 'United Kingdom'",
        when="line_type = 'sale'",
    ),
    Kpi(
        name="price",
        text="Price of a piece",
        over="order_lines",
        measure="ratio",
        of="line_amount",
        per="quantity",
        where="line_type = 'sale'",
    ),
    Kpi(name="basket", text="Basket", over="orders", measure="median", of="order_value"),
]


def read_row(con, query: str) -> dict:
    """Return the only row of a query, as DuckDB itself answers it."""
    answer = con.raw_sql(query)
    names = [column[0] for column in answer.description]
    (row,) = answer.fetchall()
    return dict(zip(names, row, strict=True))


@pytest.mark.slow
@needs_data
def test_kpis_of_real_orders_are_those_of_plain_sql():
    con = ibis.duckdb.connect()
    con.raw_sql(
        f"""
        create table lines as
        select "InvoiceNo" as order_id, cast(cast("CustomerID" as int) as varchar) as customer_id,
            "StockCode" as product_id, "InvoiceDate"::timestamp as ordered_at,
            "Quantity"::double as quantity, "Quantity" * "UnitPrice"::double as line_amount,
            "Country" as country, if("Quantity" > 0, 'sale', 'return') as line_type
        from read_csv('{RETAIL}', all_varchar = false)
        where "CustomerID" is not null
        """
    )
    lines = con.table("lines")
    people = con.table("lines").select("customer_id").distinct().order_by("customer_id").to_pandas()
    segments = people.assign(segment_name=[f"S{n % 3}" for n in range(len(people))])
    source = Source({"order_lines": lines}, people, datetime.date(2011, 12, 9))
    followed = [find_kpi(kpi.name, RETAIL_KPIS) for kpi in RETAIL_KPIS]
    sums = sum_kpis(followed, source, segments)
    values = measure_values(sums).set_index("kpi")
    recent = "ordered_at::date > date '2010-12-09' and line_type = 'sale'"
    plain = read_row(
        con,
        f"""
        select avg((country <> 'United Kingdom')::int) as abroad,
            sum(line_amount) / sum(quantity) as price,
            (select median(v) from (select sum(line_amount) as v from lines where {recent}
                group by order_id, customer_id)) as basket
        from lines where {recent}
        """,
    )
    assert values["value"].to_dict() == pytest.approx(plain)
    assert ((values["low"] < values["value"]) & (values["value"] < values["high"])).all()
    # Lot made the segments, so they are alike.
    assert set(compare_segments(sums)["stands"]) == {"alike"}
    months = sum_months(followed, source, segments)
    every = months[months["segment_name"] == "all"]
    assert every.groupby("kpi")["month"].agg(["min", "max"]).drop_duplicates().values.tolist() == [
        [pd.Timestamp("2010-12-01"), pd.Timestamp("2011-11-01")]
    ]
    limits = summarise_limits(limit_months(every)).set_index("kpi")
    assert (limits["month_count"] == 12).all()


@pytest.mark.slow
@needs_data
def test_kpis_of_real_calls_are_those_of_plain_sql():
    con = ibis.duckdb.connect()
    con.raw_sql(
        f"""
        create table calls as
        select row_number() over ()::varchar as customer_id, date '2010-06-01' as sent_at,
            duration::int >= 180 as opened, y = 'yes' as converted
        from read_csv('{BANK}', delim = ';')
        """
    )
    people = con.table("calls").select("customer_id").to_pandas()
    segments = people.assign(segment_name="All")
    source = Source({"messages": con.table("calls")}, people, datetime.date(2010, 12, 31))
    bought = Kpi(
        name="bought",
        text="Bought",
        over="messages",
        measure="share",
        where="converted is true",
        when="opened is true",
    )
    row = measure_values(sum_kpis([find_kpi("bought", [bought])], source, segments)).iloc[0]
    found = read_row(con, "select avg(converted::int) as v, count(*) as n from calls where opened")
    assert (row["value"], row["row_count"]) == (pytest.approx(found["v"]), found["n"])
    assert row["high"] - row["low"] < 0.02
