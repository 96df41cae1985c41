"""Messages, events and cohorts of a large shop, summarised in the engine within one gigabyte.

    python benchmarks/engagement.py [--messages 5000000] [--events 10000000] [--customers 300000]

The tables are drawn in DuckDB to Parquet. segkit's summaries run in a fresh process whose DuckDB
may use 600 MB and two threads; beside it stand, each in a process of its own, the same shares by
plain SQL, without repeats, machines or intervals, and by pandas on the whole files.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AS_OF = "2026-06-30"
DRAW = """
COPY (SELECT 'c' || hash(n * 7) % {customers} AS customer_id,
    TIMESTAMP '2024-07-01' + to_seconds((n * 13) % 63000000) AS sent_at,
    'campaign ' || (n * 13) % 63000000 // 2700000 AS campaign_id, 'e-mail' AS channel,
    CASE WHEN hash(n * 3) % 10 < 2 THEN 'control' ELSE 'segmented' END AS arm,
    hash(n) % 100 < 40 AS opened, hash(n) % 100 < 10 AS clicked, hash(n * 5) % 100 < 2 AS bounced,
    hash(n * 11) % 200 = 0 AS unsubscribed, hash(n * 17) % 1000 = 0 AS reported_spam,
    1 + hash(n * 19) % 3 AS open_count,
    TIMESTAMP '2024-07-01' + to_seconds((n * 13) % 63000000 + hash(n * 23) % 40) AS opened_at
    FROM range({messages}) r(n)) TO '{folder}/messages.parquet';
COPY (SELECT CASE WHEN hash(visit) % 4 > 0 THEN 'c' || hash(visit) % {customers} END AS customer_id,
    'S' || visit AS session_id,
    TIMESTAMP '2024-07-01' + to_seconds(visit * 31 % 63000000 + n % 5) AS occurred_at,
    ['visit', 'view', 'view', 'cart', 'checkout'][1 + (n % (1 + hash(visit) % 5))::INT]
        AS event_type,
    ['mobile', 'desktop', 'tablet'][1 + (hash(visit * 3) % 3)::INT] AS device,
    ['google', 'direct', 'newsletter'][1 + (hash(visit * 5) % 3)::INT] AS source
    FROM (SELECT n, n // 5 AS visit FROM range({events}) r(n))) TO '{folder}/events.parquet';
COPY (SELECT 'o' || n AS order_id, 'c' || customer AS customer_id, 'p' AS product_id,
    TIMESTAMP '2024-07-01' + to_seconds((joined + (n * 29) % 63000000 * (63000000 - joined)
        // 63000000)::BIGINT) AS ordered_at, 1.0 AS quantity,
    20.0 + hash(n * 31) % 100 AS line_amount, 'sale' AS line_type
    FROM (SELECT n, customer, (hash(customer) % 55000000)::BIGINT AS joined
        FROM (SELECT n, hash(n * 7) % {customers} AS customer FROM range({lines}) r(n))))
    TO '{folder}/order_lines.parquet';
"""
SQL = """
SELECT segment_name, count(*), avg(opened::INT), avg(clicked::INT) FROM messages JOIN segments USING
    (customer_id) WHERE arm <> 'control' AND NOT bounced GROUP BY ALL;
SELECT campaign_id, count(*), avg(opened::INT), avg(clicked::INT) FROM messages
    WHERE arm <> 'control' AND NOT bounced GROUP BY ALL;
SELECT segment_name, date_trunc('month', sent_at), count(*), avg(clicked::INT) FROM messages
    JOIN segments USING (customer_id) WHERE arm <> 'control' AND NOT bounced GROUP BY ALL;
CREATE TEMP VIEW steps AS SELECT customer_id, session_id, device, source,
    (event_type = 'view')::INT AS viewed, (event_type = 'cart')::INT AS filled FROM events;
SELECT segment_name, avg(v), avg(k) FROM (SELECT segment_name, session_id, max(viewed) AS v,
    max(filled) AS k FROM steps JOIN segments USING (customer_id) GROUP BY ALL) GROUP BY ALL;
SELECT device, avg(v), avg(k) FROM (SELECT device, session_id, max(viewed) AS v,
    max(filled) AS k FROM steps GROUP BY ALL) GROUP BY ALL;
SELECT source, avg(v), avg(k) FROM (SELECT source, session_id, max(viewed) AS v,
    max(filled) AS k FROM steps GROUP BY ALL) GROUP BY ALL;
"""


def run_segkit(folder: Path, customers: int) -> None:
    """Summarise as notebook 4 does."""
    import datetime

    import ibis
    import pandas as pd

    from segkit.core.settings import Settings
    from segkit.evidence.experience.cohorts import follow_groups, read_cohorts
    from segkit.evidence.experience.messages import read_messages
    from segkit.evidence.experience.repeat import count_waits, read_waits, summarise_second_orders
    from segkit.report.answers_and_visits import list_messages, list_visits

    con = ibis.duckdb.connect(memory_limit="600MB", threads=2, temp_directory=str(folder / "tmp"))
    con.raw_sql("SET preserve_insertion_order = false")
    tables = {
        name: con.read_parquet(folder / f"{name}.parquet", table_name=name)
        for name in ("messages", "events", "order_lines")
    }
    segments = pd.DataFrame({"customer_id": [f"c{n}" for n in range(customers)]})
    segments["segment_name"] = [f"segment {n % 5}" for n in range(customers)]
    at = Settings(datetime.date.fromisoformat(AS_OF))
    tell("start")
    messages = read_messages(tables["messages"], as_of=at.as_of)
    tell("messages read")
    for table, _view in list_messages(messages, segments, at=at):
        assert len(table)
    tell("messages summarised")
    for table, _view in list_visits(tables["events"], segments, at=at):
        assert len(table)
    tell("visits summarised")
    cohorts = read_cohorts(tables["order_lines"], as_of=at.as_of)
    assert len(follow_groups(cohorts, segments)[0])
    waits = count_waits(read_waits(tables["order_lines"], as_of=at.as_of), segments)
    assert len(summarise_second_orders(waits, smallest_cell=5))
    tell("cohorts and second orders")


def run_sql(folder: Path, customers: int) -> None:
    """Work out the shares of messages and visits alone, by plain SQL."""
    import duckdb

    con = duckdb.connect(config={"memory_limit": "600MB", "threads": 2})
    con.execute(f"SET temp_directory = '{folder}/tmp'")
    for name in ("messages", "events"):
        con.execute(f"CREATE VIEW {name} AS FROM '{folder}/{name}.parquet'")
    con.execute(
        f"""CREATE TABLE segments AS SELECT 'c' || n AS customer_id, 'segment ' || n % 5
        AS segment_name FROM range({customers}) r(n)"""
    )
    tell("start")
    for query in SQL.split(";"):
        if query.strip():
            con.execute(query).fetchall()
    tell("messages and visits")


def run_pandas(folder: Path, customers: int) -> None:
    """Work out the shares of messages by segment, campaign and month alone, by pandas."""
    import pandas as pd

    tell("start")
    columns = ["customer_id", "sent_at", "campaign_id", "arm", "opened", "clicked", "bounced"]
    rows = pd.read_parquet(folder / "messages.parquet", columns=columns)
    rows = rows[(rows["arm"] != "control") & ~rows["bounced"]]
    segment = rows["customer_id"].str[1:].astype(int) % 5
    month = rows["sent_at"].dt.to_period("M")
    for by in (segment, rows["campaign_id"], [segment, month]):
        rows.groupby(by)[["opened", "clicked"]].mean()
    assert customers
    tell("messages")


def tell(step: str) -> None:
    """Print what has been used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    record = {
        "step": step,
        "clock": time.time(),
        "processor": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }
    print(json.dumps(record), flush=True)


def measure(name: str, folder: Path, customers: int) -> dict[str, float]:
    """Run one of them in a fresh process; print its steps, and return what it took."""
    command = [sys.executable, __file__, "--run", name, "--folder", str(folder)]
    output = subprocess.run(
        [*command, "--customers", str(customers)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    steps = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    for before, step in itertools.pairwise(steps):
        seconds = step["clock"] - before["clock"]
        used = step["processor"] - before["processor"]
        print(
            f"{name:8} {step['step']:28} {seconds:7.1f} s, {used:7.1f} s of processor, "
            f"peak so far {step['peak_mb']:6.0f} MB"
        )
    return {
        "seconds": steps[-1]["clock"] - steps[0]["clock"],
        "processor": steps[-1]["processor"] - steps[0]["processor"],
        "peak_mb": steps[-1]["peak_mb"],
    }


def main() -> None:
    """Draw the tables and measure all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=300_000)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--run", choices=("segkit", "sql", "pandas"))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.run:
        runs = {"segkit": run_segkit, "sql": run_sql, "pandas": run_pandas}
        runs[given.run](given.folder, given.customers)
        return
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), given)
        found = {n: measure(n, Path(folder), given.customers) for n in ("segkit", "sql", "pandas")}
    for name in ("sql", "pandas"):
        ratios = {key: found["segkit"][key] / found[name][key] for key in found[name]}
        print(
            f"segkit / {name}: {ratios['seconds']:.1f} of the time, {ratios['processor']:.1f} of "
            f"the processor, {ratios['peak_mb']:.2f} of the memory"
        )


def draw(folder: Path, given: argparse.Namespace) -> None:
    """Write the tables, drawn in DuckDB."""
    import duckdb

    con = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
    con.execute("SET preserve_insertion_order = false")
    sizes = {"messages": given.messages, "events": given.events, "lines": given.lines}
    con.execute(DRAW.format(customers=given.customers, folder=folder, **sizes))


if __name__ == "__main__":
    main()
