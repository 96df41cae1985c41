"""Thirty behaviour features over order lines, beside pandas, polars and one plain aggregate.

The lines are drawn: a customer has 20 on average, some many more, in orders of three; 5,000
products in 12 categories, four channels, three years, 4 % returns. Identifiers are texts, as in
accepted tables. pandas and polars work out the same features, by sums of orders and of products
too; on 100,000 lines all are compared value by value. Each runs in a process of its own, which
tells its peak memory, and they take turns. What all customers do (`learn_habits`) is learned
beforehand, and timed in a row of its own.

    python -m venv peers && peers/bin/pip install polars
    python benchmarks/features.py --peers peers/bin/python [--lines 10000000 100000000]
        [--memory 4GB] [--repetitions 1] [--folder FOLDER] [--without pandas] [--write PAGE]

``--memory`` holds segkit and the plain aggregate to a limit of DuckDB; the others cannot be held.
At the end every base of the sample shop is worked out.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
AS_OF = datetime.date(2026, 6, 30)
MOST_PANDAS_LINES = 20_000_000  # 10 million take pandas 3.7 GiB
NAMES = {
    "plain": "one plain aggregate", "segkit": "segkit, through Ibis", "pandas": "pandas",
    "sql": "the same SQL by hand, without Ibis",
    "polars": "polars, streaming", "learn": "what all customers do (`learn_habits`), once",
}  # fmt: skip
COUNTS = ["order_count", "order_count_last_90_days", "product_count", "category_count"]
FEATURES = [
    *COUNTS, "total_spend", "spend_last_30_days", "spend_last_90_days", "spend_last_365_days",
    "spend_trend", "mean_order_value", "recency_days", "tenure_days", "active_days",
    "mean_days_between_orders", "gap_variation", "return_share", "discount_share",
    "favourite_category", "favourite_category_share", "category_diversity", "favourite_channel",
    "cross_channel_share", "weekend_share", "morning_share", "afternoon_share", "evening_share",
    "fourth_quarter_share", "peak_month", "buys_only_at_christmas", "category_share_category_5",
]  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
READ = [
    "order_id", "product_id", "customer_id", "ordered_at", "line_amount", "discount_amount",
    "line_type", "channel",
]  # fmt: skip


def write_lines(folder: Path, lines: int) -> None:
    """Write ``lines.parquet`` and ``products.parquet``; the same from run to run."""
    import duckdb

    def draw(of: str, number: int) -> str:
        # Hashed twice: hashes of one value with two numbers differ by the same bits everywhere.
        return f"((hash(hash({of}, {number})) >> 11) / 9007199254740992.0)"

    product, price = "floor(5000 * u1 * u1)", "round(2 + floor(5000 * u1 * u1) % 97 + u3, 2)"
    quantity = "if(u2 < .04, -1.0, 1 + floor(4 * u2 * u2))::DOUBLE"
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false; SET enable_progress_bar = false")
    connection.execute(
        f"""COPY (SELECT 'O' || o AS order_id, 'P' || {product}::INT AS product_id,
            'C' || floor({max(lines // 20, 1)} * v1 ** 1.5)::INT AS customer_id,
            TIMESTAMP '2023-07-01' + to_days(floor(1095 * v2)::INT)
                + to_minutes((480 + floor(840 * v3))::INT) AS ordered_at,
            {quantity} AS quantity, {price} AS unit_price,
            round({quantity} * {price}, 2) AS line_amount,
            if(u3 < .3, round(u2 * 3, 2), 0)::DOUBLE AS discount_amount,
            if(u2 < .04, 'return', 'sale') AS line_type, true AS is_product,
            ['web', 'store', 'app', 'phone'][1 + floor(4 * v4 * v4)::INT] AS channel
        FROM (SELECT i // 3 AS o,
            {", ".join(f"{draw('i', n)} AS u{n}" for n in (1, 2, 3))},
            {", ".join(f"{draw('i // 3', n + 3)} AS v{n}" for n in (1, 2, 3, 4))}
            FROM range({lines}) t(i)
        )) TO '{folder}/lines.parquet' (FORMAT parquet)"""
    )
    connection.execute(
        f"""COPY (SELECT 'P' || i AS product_id, 'Category ' || hash(i) % 12 AS category
        FROM range(5000) t(i)) TO '{folder}/products.parquet' (FORMAT parquet)"""
    )


def open_tables(folder: Path, memory: str | None) -> tuple:
    """Return Ibis tables of the lines and the products."""
    import ibis

    connection = ibis.duckdb.connect(**({"memory_limit": memory} if memory else {}))
    names = ("lines", "products")
    return tuple(connection.read_parquet(folder / f"{n}.parquet", table_name=n) for n in names)


def learn(folder: Path, memory: str | None):
    """Learn what all customers do."""
    from segkit.features.habits import learn_habits

    lines, products = open_tables(folder, memory)
    return learn_habits(lines, as_of=AS_OF, products=products)


def read_habits(folder: Path):
    """Return what was learned beforehand."""
    from segkit.features.habits import Habits

    return Habits(**json.loads((folder / "habits.json").read_text(encoding="utf-8")))


def express(folder: Path, memory: str | None):
    """Return segkit's expression of the thirty features."""
    from segkit.features.purchases import summarise_purchases

    lines, products = open_tables(folder, memory)
    options = {"as_of": AS_OF, "products": products, "habits": read_habits(folder)}
    return summarise_purchases(lines, **options).select("customer_id", *FEATURES)


def run_segkit(folder: Path, memory: str | None):
    """Work out the features as segkit does."""
    from segkit.features.expressions import fetch

    return fetch(express(folder, memory))


def run_sql(folder: Path, memory: str | None):
    """Run the SQL of `run_segkit`, printed beforehand, without Ibis."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": memory} if memory else {})
    for name in ("lines", "products"):
        connection.execute(f"CREATE VIEW {name} AS FROM '{folder}/{name}.parquet'")
    text = (folder / "features.sql").read_text(encoding="utf-8")
    return connection.sql(text).to_arrow_table().to_pandas()


def run_plain(folder: Path, memory: str | None):
    """Count the lines and sum the amounts of each customer."""
    lines, _ = open_tables(folder, memory)
    sums = {"line_count": lines.count(), "amount": lines.line_amount.sum()}
    return lines.group_by("customer_id").aggregate(**sums).to_pandas()


def run_pandas(folder: Path, memory: str | None):
    """Work out the same features with pandas."""
    import numpy as np
    import pandas as pd

    lines = pd.read_parquet(folder / "lines.parquet", columns=READ)
    products = pd.read_parquet(folder / "products.parquet")
    lines["category"] = lines["product_id"].map(products.set_index("product_id")["category"])
    for name in ("category", "channel", "line_type", "product_id"):
        lines[name] = lines[name].astype("category")
    is_sale = (lines["line_type"] == "sale").to_numpy()
    returns, sales = lines[~is_sale], lines[is_sale]
    orders = sales.groupby(["customer_id", "order_id"], sort=False).agg(
        at=("ordered_at", "min"), amount=("line_amount", "sum"),
        discount=("discount_amount", "sum"), channel=("channel", "first"),
    ).reset_index()  # fmt: skip
    day = orders["at"].dt.normalize()
    orders["day"], today = day, pd.Timestamp(AS_OF)
    age, amount = (today - day).dt.days, orders["amount"]
    hour, month = orders["at"].dt.hour, day.dt.month
    timed = orders["at"] != day
    parts = {f"month_{m}": amount.where(month == m, 0) for m in range(1, 13)}
    parts["weekend"] = amount.where(day.dt.dayofweek >= 5, 0)
    for begin, end, part in ((0, 6, "night"), (6, 12, "morning"), (12, 18, "afternoon")):
        parts[part] = amount.where(timed & (hour >= begin) & (hour < end), 0)
    parts["evening"] = amount.where(timed & (hour >= 18), 0)
    number = month * 100 + day.dt.day
    parts["other_time"] = (~number.between(1115, 1231)).astype(int)
    parts["recent"] = amount.where(age < 180, 0)
    parts["before"] = amount.where((age >= 180) & (age < 360), 0)
    for days in (30, 90, 365):
        parts[f"spend_{days}"] = amount.where(age < days, 0)
    parts["orders_90"] = (age < 90).astype(int)
    orders = orders.assign(**parts, order_count=1)
    by = orders.groupby("customer_id")
    sums = by[["amount", "discount", "order_count", *parts]].sum()
    ends = by["day"].agg(["min", "max"])
    days = orders[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    days["gap"] = (
        days["day"].diff().dt.days.where(~days["customer_id"].ne(days["customer_id"].shift()))
    )
    gaps = days.groupby("customer_id")["gap"]
    back_age = (today - returns["ordered_at"].dt.normalize()).dt.days
    back = returns[["customer_id"]].assign(
        amount=returns["line_amount"],
        **{f"spend_{d}": returns["line_amount"].where(back_age < d, 0) for d in (30, 90, 365)},
    ).groupby("customer_id").sum()  # fmt: skip
    everybody = sums.index.union(back.index)
    sums, ends = sums.reindex(everybody), ends.reindex(everybody)
    back = back.reindex(everybody).fillna(0)
    gross = sums["amount"].fillna(0)
    whole = gross.where(gross > 0)
    found = pd.DataFrame(index=everybody)
    found["order_count"] = sums["order_count"].fillna(0)
    found["order_count_last_90_days"] = sums["orders_90"].fillna(0)
    found["total_spend"] = gross + back["amount"]
    for d in (30, 90, 365):
        found[f"spend_last_{d}_days"] = sums[f"spend_{d}"].fillna(0) + back[f"spend_{d}"]
    both = sums["recent"] + sums["before"]
    found["spend_trend"] = (sums["recent"] - sums["before"]) / both.where(both > 0)
    found["mean_order_value"] = sums["amount"] / sums["order_count"]
    found["recency_days"] = (today - ends["max"]).dt.days
    found["tenure_days"] = (today - ends["min"]).dt.days
    found["active_days"] = (ends["max"] - ends["min"]).dt.days
    found["mean_days_between_orders"] = gaps.mean()
    found["gap_variation"] = gaps.std() / gaps.mean()
    found["return_share"] = np.minimum(-back["amount"], gross) / whole
    found["discount_share"] = sums["discount"] / (sums["discount"] + whole)
    found["weekend_share"] = sums["weekend"] / whole
    timed = sums[["night", "morning", "afternoon", "evening"]].sum(axis=1)
    for part in ("morning", "afternoon", "evening"):
        found[f"{part}_share"] = sums[part] / timed.where(timed > 0)
    months = sums[[f"month_{m}" for m in range(1, 13)]].fillna(0).to_numpy()
    found["fourth_quarter_share"] = months[:, 9:].sum(axis=1) / whole
    peak = np.array(MONTHS, dtype=object)[months.round(4).argmax(axis=1)]
    found["peak_month"] = pd.Series(peak, index=everybody).where(whole.notna())
    later = ends["max"].dt.year > ends["min"].dt.year
    found["buys_only_at_christmas"] = (sums["other_time"] == 0) & later
    pairs = sales.groupby(["customer_id", "product_id", "category"], observed=True, sort=False)
    pairs = pairs["line_amount"].sum().reset_index()
    found["product_count"] = pairs.groupby("customer_id").size()
    shares = pairs.groupby(["customer_id", "category"], observed=True)["line_amount"].sum()
    wide = shares.unstack(fill_value=0).reindex(everybody)
    found["category_count"] = shares.groupby("customer_id").size()
    found["favourite_category"] = wide.round(4).fillna(-1).idxmax(axis=1).astype(str)
    total = wide.sum(axis=1)
    found["favourite_category_share"] = wide.max(axis=1) / total
    found["category_diversity"] = 1 - (wide**2).sum(axis=1) / total**2
    found["category_share_category_5"] = wide["Category 5"] / total
    wide = orders.groupby(["customer_id", "channel"], observed=True)["amount"].sum()
    wide = wide.unstack(fill_value=0).sort_index(axis=1).reindex(everybody)
    found["favourite_channel"] = wide.round(4).fillna(-1).idxmax(axis=1).astype(str)
    found["cross_channel_share"] = 1 - wide.max(axis=1) / wide.sum(axis=1)
    none = found["order_count"] == 0
    found.loc[none, ["favourite_category", "favourite_channel"]] = None
    found[["product_count", "category_count"]] = found[COUNTS[2:]].fillna(0)
    return found.reset_index()[["customer_id", *FEATURES]]


def run_polars(folder: Path, memory: str | None):
    """Work out the same features with polars, streaming."""
    import polars as pl

    lines = pl.scan_parquet(folder / "lines.parquet").select(READ)
    products = pl.scan_parquet(folder / "products.parquet")
    sales = lines.filter(pl.col("line_type") == "sale")
    key, amount, day = "customer_id", pl.col("amount"), pl.col("day")
    today = pl.lit(AS_OF)

    def share(part, whole):
        return pl.when(whole > 0).then(part / whole)

    orders = (
        sales.group_by(key, "order_id")
        .agg(
            at=pl.col("ordered_at").min(), amount=pl.col("line_amount").sum(),
            discount=pl.col("discount_amount").sum(), channel=pl.col("channel").min(),
        )
        .with_columns(day=pl.col("at").dt.date())
        .with_columns(age=(today - pl.col("day")).dt.total_days())
    )  # fmt: skip
    age, hour, month = pl.col("age"), pl.col("at").dt.hour(), day.dt.month()
    timed = pl.col("at") != day.cast(pl.Datetime("us"))
    number = month.cast(pl.Int32) * 100 + day.dt.day()
    sums = orders.group_by(key).agg(
        order_count=pl.len(), gross=amount.sum(), discount=pl.col("discount").sum(),
        first=day.min(), last=day.max(), weekend=amount.filter(day.dt.weekday() >= 6).sum(),
        night=amount.filter(timed & (hour < 6)).sum(),
        morning=amount.filter(timed & (hour >= 6) & (hour < 12)).sum(),
        afternoon=amount.filter(timed & (hour >= 12) & (hour < 18)).sum(),
        evening=amount.filter(timed & (hour >= 18)).sum(),
        other=(~number.is_between(1115, 1231)).sum(),
        recent=amount.filter(age < 180).sum(),
        before=amount.filter((age >= 180) & (age < 360)).sum(),
        order_count_last_90_days=(age < 90).sum(),
        **{f"spend_{d}": amount.filter(age < d).sum() for d in (30, 90, 365)},
        **{f"month_{m}": amount.filter(month == m).sum() for m in range(1, 13)},
    )  # fmt: skip
    gap = day.unique().sort().diff().dt.total_days()
    gaps = orders.group_by(key).agg(gap_mean=gap.mean(), gap_sd=gap.std())
    back_age = (today - pl.col("ordered_at").dt.date()).dt.total_days()
    back = lines.filter(pl.col("line_type") != "sale").group_by(key).agg(
        back=pl.col("line_amount").sum(),
        **{f"back_{d}": pl.col("line_amount").filter(back_age < d).sum() for d in (30, 90, 365)},
    )  # fmt: skip
    weight = pl.col("weight")
    levels = (
        sales.group_by(key, "product_id").agg(weight=pl.col("line_amount").sum())
        .join(products, on="product_id", how="left")
        .group_by(key, "category").agg(weight=weight.sum().round(4), products=pl.len())
        .group_by(key).agg(
            product_count=pl.col("products").sum(), category_count=pl.len(),
            favourite_category=pl.col("category").filter(weight == weight.max()).min(),
            favourite_category_share=weight.max() / weight.sum(),
            category_diversity=1 - (weight * weight).sum() / weight.sum() ** 2,
            category_share_category_5=weight.filter(pl.col("category") == "Category 5").sum()
            / weight.sum(),
        )
    )  # fmt: skip
    channels = (
        orders.group_by(key, "channel").agg(weight=amount.sum().round(4)).group_by(key).agg(
            favourite_channel=pl.col("channel").filter(weight == weight.max()).min(),
            cross_channel_share=1 - weight.max() / weight.sum(),
        )
    )  # fmt: skip
    table = sums.join(back, on=key, how="full", coalesce=True)
    for other in (gaps, levels, channels):
        table = table.join(other, on=key, how="left")
    gross, back = pl.col("gross").fill_null(0), pl.col("back").fill_null(0)
    months = [pl.col(f"month_{m}").round(4) for m in range(1, 13)]
    peak = pl.when(False).then(pl.lit(""))
    for one, name in zip(months, MONTHS, strict=True):
        peak = peak.when(one == pl.max_horizontal(*months)).then(pl.lit(name))
    recent, before, first, last = (pl.col(c) for c in ("recent", "before", "first", "last"))
    hours = pl.col("night") + pl.col("morning") + pl.col("afternoon") + pl.col("evening")
    whole = pl.col("discount") + pl.col("gross")
    found = table.with_columns(
        pl.col(*COUNTS).fill_null(0), total_spend=gross + back,
        **{
            f"spend_last_{d}_days": pl.col(f"spend_{d}").fill_null(0)
            + pl.col(f"back_{d}").fill_null(0) for d in (30, 90, 365)
        },
        spend_trend=share(recent - before, recent + before),
        mean_order_value=pl.col("gross") / pl.col("order_count"),
        recency_days=(today - last).dt.total_days(), tenure_days=(today - first).dt.total_days(),
        active_days=(last - first).dt.total_days(),
        mean_days_between_orders=pl.col("gap_mean"),
        gap_variation=pl.col("gap_sd") / pl.col("gap_mean"),
        return_share=share(pl.min_horizontal(-back, gross), gross),
        discount_share=share(pl.col("discount"), whole),
        weekend_share=share(pl.col("weekend"), gross),
        **{f"{p}_share": share(pl.col(p), hours) for p in ("morning", "afternoon", "evening")},
        fourth_quarter_share=share(months[9] + months[10] + months[11], gross), peak_month=peak,
        buys_only_at_christmas=((pl.col("other") == 0) & (last.dt.year() > first.dt.year()))
        .fill_null(False),
    )  # fmt: skip
    return found.select(key, *FEATURES).collect(engine="streaming")


def prepare(folder: Path, memory: str | None):
    """Check the sample shop, and keep where its accepted tables are."""
    from segkit.data.checks import prepare_tables
    from segkit.plan.reading import read_plan

    paths = prepare_tables(read_plan(ROOT / "plan.toml"), folder / "sample").paths
    paths = {name: str(Path(path).resolve()) for name, path in paths.items()}
    (folder / "sample.json").write_text(json.dumps(paths), encoding="utf-8")


def run_bases(folder: Path, memory: str | None):
    """Build the sample's customer table: every feature of every base that its tables carry."""
    from segkit.data.engine import open_tables as open_accepted
    from segkit.features.customer_table import build_customers
    from segkit.plan.reading import read_plan

    paths = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    plan = read_plan(ROOT / "plan.toml")
    tables = open_accepted(plan, {name: Path(path) for name, path in paths.items()}, folder)
    return build_customers(tables, as_of=plan.as_of, settings=plan).frame


RUNS = {
    "learn": learn, "segkit": run_segkit, "sql": run_sql, "plain": run_plain,
    "pandas": run_pandas, "polars": run_polars, "prepare": prepare, "bases": run_bases,
}  # fmt: skip


def describe_machine() -> str:
    """Return cores, memory, and the versions that matter."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = ", ".join(
        f"{n} {importlib.metadata.version(n)}" for n in ("duckdb", "ibis-framework", "pandas")
    )
    return f"{os.cpu_count()} cores, {pages:.0f} GiB, Python {platform.python_version()}, {tools}"


def read_peak() -> float:
    """Return the most memory that this process has held, in GiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20


def run_once(name: str, folder: Path, options: argparse.Namespace) -> None:
    """Run one of the `RUNS` in this process, imports left out, and print what it took."""
    {"polars": lambda: __import__("polars")}.get(name, lambda: __import__("pandas"))()
    if name not in ("polars", "pandas"):
        import ibis

        import segkit.features.customer_table  # noqa: F401
    begun, cpu = time.perf_counter(), time.process_time()
    found = RUNS[name](folder, options.memory)
    taken = time.perf_counter() - begun, time.process_time() - cpu, read_peak()
    if name == "learn":
        text = json.dumps(dataclasses.asdict(found))
        (folder / "habits.json").write_text(text, encoding="utf-8")
        text = str(ibis.to_sql(express(folder, None), dialect="duckdb"))
        (folder / "features.sql").write_text(text, encoding="utf-8")
    elif options.keep:
        write = found.write_parquet if name == "polars" else found.to_parquet
        write(folder / f"found_{name}.parquet")
    print(json.dumps(taken))


def start(name: str, folder: Path, options: argparse.Namespace, *more: str) -> list[float]:
    """Run one of the `RUNS` in a process of its own; return seconds, CPU seconds and peak GiB."""
    python = options.peers if name == "polars" else sys.executable
    command = [python, __file__, "--only", name, "--folder", str(folder), *more]
    if options.memory:
        command += ["--memory", options.memory]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{name} failed: {done.stderr[-1500:]}", file=sys.stderr)
        return [float("nan")] * 3
    found = json.loads(done.stdout.splitlines()[-1])
    print(name, [round(number, 2) for number in found], file=sys.stderr, flush=True)
    return found


def compare(folder: Path, names: list[str]) -> None:
    """Stop unless the features agree value by value, on 100,000 lines."""
    import pandas as pd

    tables = {}
    for name in names:
        table = pd.read_parquet(folder / f"found_{name}.parquet").sort_values("customer_id")
        tables[name] = table.set_index("customer_id")
    first = tables[names[0]]
    for name in names[1:]:
        for feature in FEATURES:
            one, other = first[feature], tables[name][feature].reindex(first.index)
            if one.dtype.kind in "iufb":
                one, other = one.astype(float), other.astype(float)
                options = {"rtol": 1e-6, "atol": 2e-4}
            else:
                one, other = (c.astype(object).where(c.notna(), None) for c in (one, other))
                options = {}
            options |= {"check_names": False, "check_dtype": False, "obj": f"{feature} of {name}"}
            pd.testing.assert_series_equal(one, other, **options)
    rows = f"{len(first):,} customers, {len(FEATURES)} features"
    print(f"{' and '.join(names)} agree: {rows}", file=sys.stderr)


def measure_lines(lines: int, names: list[str], folder: Path, options) -> list[str]:
    """Measure in turns on so many lines; return a table of medians, and ratios, as Markdown."""
    write_lines(folder, lines)
    found = {"learn": [start("learn", folder, options)]} | {name: [] for name in names}
    for _ in range(options.repetitions):
        for name in names:
            found[name].append(start(name, folder, options))
    size = (folder / "lines.parquet").stat().st_size / 2**30
    middle = {n: [statistics.median(r[i] for r in rs) for i in range(3)] for n, rs in found.items()}
    base, ours = middle["plain"][0], middle["segkit"][0]
    limit = f"; segkit held to {options.memory}" if options.memory else ""
    text = [f"## {lines:,} lines", "", f"{size:.2f} GiB of Parquet{limit}.", ""]
    text += ["| what | seconds | CPU seconds | peak, GiB | to plain | to segkit |"]
    text += ["|---|---|---|---|---|---|"]
    for name, (seconds, cpu, peak) in middle.items():
        ratios = f"{seconds / base:.1f} | {seconds / ours:.2f}"
        text.append(f"| {NAMES[name]} | {seconds:.1f} | {cpu:.1f} | {peak:.2f} | {ratios} |")
    return [*text, ""]


def main() -> None:
    """Compare values on few lines, then measure, and write tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000_000])
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--peers", help="the interpreter with polars; else polars is left out")
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 4GB")
    parser.add_argument("--folder", type=Path, help="where to write the lines")
    parser.add_argument("--without", nargs="*", default=[], choices=list(RUNS))
    parser.add_argument("--write", type=Path, help="a page to write the tables to")
    parser.add_argument("--only", choices=list(RUNS), help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run_once(options.only, options.folder, options)
        return
    left_out = {*options.without, *([] if options.peers else ["polars"])}
    names = [n for n in ("plain", "segkit", "sql", "pandas", "polars") if n not in left_out]
    today = datetime.date.today()
    text = ["# Features of order lines, measured", "", f"{describe_machine()}, {today}.", ""]
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        folder = Path(scratch)
        write_lines(folder, 100_000)
        for name in ("learn", *names[1:]):
            start(name, folder, options, "--keep")
        compare(folder, names[1:])
        for lines in options.lines:
            few = [n for n in names if n != "pandas" or lines <= MOST_PANDAS_LINES]
            text += measure_lines(lines, few, folder, options)
        start("prepare", folder, options)
        seconds, _, peak = start("bases", folder, options)
    text += ["## All bases on the sample shop", ""]
    text += [f"`build_customers`: {seconds:.1f} s, peak {peak:.2f} GiB, imports left out.", ""]
    if options.write:
        options.write.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
