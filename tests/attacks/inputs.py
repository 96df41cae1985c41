"""Hostile plans, tables and documents, each made of a seed and a number."""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import HEAD, TIERS

_SHOP = HEAD.format(
    name="shop", title="A shop", scope="All", market="All", as_of="2024-12-31", goal="Keep"
)
PLAN = f"""{_SHOP}kpi = "total_spend"
target = 5.0

[tables.order_lines]
path = "lines.csv"

[tables.customers]
path = "customers.csv"
features = "all"

[policies]
returns = "net"
{TIERS}
[engine]
memory_limit = "500MB"
threads = 1
"""
HEADER = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
VALUES = [
    "1", "0", "-1", "1e200", "-1e308", "1e400", "nan", "inf", "9" * 30, "9" * 400, "0x10", "1_000",
    "1,5", "1.234,5", "", " ", "NULL", "\\N", "true", "2024-01-05", "2024-02-30", "05/06/2024",
    "9999-12-31", "0001-01-01", "2024-01-05T10:00:00+14:00", "290000-01-01", "-4000-01-01",
    "24:61", "=1+1", "'; DROP TABLE x; --", '"', '""', "a\tb", "ö", "\u202e", "\ufeff", "\u200b",
    "x" * 300, "C" * 200_000, "%d", "{}", "\\", "C1", "C2", "P1",
]  # fmt: skip
NAMES = [
    "source_row", "row_hash", "file_row_number", "is_rejected", "select", 'a"b', "a'b", "a b", "",
    " ", "ORDER_ID", "rule_x", "text_x", "ö", "%s", "{0}", "t0", "c0", "n" * 300, "segment",
    "rowid",
    "x\ny", "1", "quantity", "customer_id",
]  # fmt: skip
ENCODINGS = [
    "utf-8", "utf-16", "utf-32", "utf-7", "cp1252", "latin-1", "rot13", "base64", "idna",
    "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "hex", "zlib", "mbcs",
    "utf-8-sig", "nope", "", "utf-16-be", "cp037", "shift_jis", "hz", "iso2022_jp", "charmap",
    "\x00", "../x",
]  # fmt: skip
PATHS = [
    "~nouser/x.csv", "loop.csv", "\\u0000", "lines[1].csv", "*.csv", "?", "{a,b}.csv", "", ".",
    "..",
    "/dev/null", "/dev/zero", "x" * 300 + ".csv", "a/" * 3000 + "x.csv", "lines.csv/", "folder",
    "folder.csv", "lines.csv/x.csv", "//lines.csv", "http://127.0.0.1:9/x.csv", "empty.csv", "/",
    "lines.parquet", "book.xlsx", "lines.csv.gz", "text.parquet", "text.xlsx", "binary.csv",
]  # fmt: skip
QUERIES = [
    "select * from l", "from l", "select 1; select 2", "copy l to 'x.csv'",
    "select * from 'lines.csv'",
    "from read_csv('lines.csv')", "pragma version", "set threads = 3", "attach 'x.db'", "select",
    "load httpfs", "from range(10)", "with recursive r as (select 1 union all select 1 from r) "
    "select * from r limit 3", "(" * 3000 + "select 1" + ")" * 3000, "select ?", "select $a from l",
    "summarize l", "from l, l", "select * from nothing", "select [1, 2] as order_id from l",
    "select {'a': 1} as customer_id, * exclude (customer_id) from l", "select error('x') from l",
    "pivot l on product_id using count(*)", "select 1/0, * from l", "", ";", "--", "/*",
    "select '\\u0000'", "from glob('/*')", "select * from l order by random()",
]  # fmt: skip
ADDRESSES = [
    "duckdb://x.duckdb", "duckdb://lines.csv", "sqlite://lines.csv", "sqlite://", "duckdb://",
    "postgres://127.0.0.1:9/x", "mysql://a:b@127.0.0.1:9/x", "nope://x", "lines.csv", "", "://",
    "duckdb://folder", "sqlite:///dev/null", "duckdb://x?y", "postgres://[::1", "spark://x", "md:x",
    "duckdb://~nouser/x", "sqlite://\\u0000", "http://127.0.0.1:9", "pandas://x", "duckdb",
]  # fmt: skip
SETTINGS = [
    "[" * 5000, "[" * 5000 + "]" * 5000, "9" * 5000, "-" + "9" * 4400, "0x" + "f" * 5000, "1e400",
    "nan", "inf", "-inf", "''", "'x'", "true", "[]", "{}", "[[]]", "0", "-1", "1000000", "2**3",
    "1" * 19, "0001-01-01", "9999-12-31", "2024-12-31T00:00:00Z", "00:00:00",
    "'" + "x" * 100_000 + "'",
    '"\\u0000"', '"\\uD800"', '"101 %"', '"101%"', '"0%"', '"1.2.3GB"', '"1KB"', '"999999TB"',
    '"local[1000000]"', '"local[0]"', '"spark://127.0.0.1:9"', '"yarn"', "[1, 2]", '["a", 1]',
]  # fmt: skip
KINDS = ("plan", "table", "document")


def make_input(seed: int, number: int, folder: Path) -> list[str]:
    """Leave a hostile input in a folder; return the command line that reads it.

    The same seed and number make the same input. Every third is a document, the others plans and
    tables.
    """
    rng = random.Random(f"{seed}-{number}")
    kind = KINDS[number % len(KINDS)]
    if kind == "document":
        _make_document(rng, folder)
        return [
            "score",
            str(folder / "kept.json"),
            str(folder / "all.csv"),
            "--out",
            str(folder / "o.csv"),
        ]
    _make_files(rng, folder)
    text = PLAN
    if kind == "table":
        text = _make_table(rng, folder, text)
    else:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            text = _spoil_plan(rng, text)
    (folder / "plan.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    return ["check", str(folder / "plan.toml"), "--json"]


def _make_rows(rng: random.Random, count: int) -> list[list[str]]:
    rows = []
    for number in range(count):
        day = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        price = f"{rng.randint(1, 99)}.50"
        customer = f"C{rng.randint(1, 9)}"
        rows.append([str(number // 2), f"P{rng.randint(1, 4)}", customer, day, "1", price])
    return rows


def _write_csv(header: list[str], rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def _make_files(rng: random.Random, folder: Path) -> None:
    """Leave good files and odd ones, which a plan may name."""
    text = _write_csv(HEADER, _make_rows(rng, 20))
    (folder / "lines.csv").write_text(text)
    (folder / "lines1.csv").write_text(text)
    customers = "".join(f"C{i},{1950 + i},{i * 7}\n" for i in range(1, 10))
    (folder / "customers.csv").write_text("customer_id,birth_year,visits\n" + customers)
    (folder / "empty.csv").write_bytes(b"")
    (folder / "text.parquet").write_text(text)
    (folder / "text.xlsx").write_text(text)
    (folder / "binary.csv").write_bytes(rng.randbytes(300))
    (folder / "lines.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "folder.csv").mkdir()
    (folder / "folder").mkdir()
    (folder / "loop.csv").symlink_to(folder / "loop.csv")


def _spoil_plan(rng: random.Random, text: str) -> str:
    """Change one thing of a plan."""
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    key = lines[place].partition("=")[0]
    way = rng.randrange(9)
    if way == 0 and "=" in lines[place]:
        lines[place] = f"{key}= {rng.choice(SETTINGS)}"
    elif way == 1:
        path = rng.choice(PATHS)
        return text.replace('path = "lines.csv"', f'path = "{path}"')
    elif way == 2:
        query = json.dumps(rng.choice(QUERIES)).replace("\\\\u0000", "\\u0000")
        new = f'query = {query}\nfiles = {{ l = "{rng.choice(["lines.csv", *PATHS])}" }}'
        if rng.random() < 0.7:
            new = f'query = {query}\nfiles = {{ l = "lines.csv" }}'
        return text.replace('path = "lines.csv"', new)
    elif way == 3:
        new = f'connection = "{rng.choice(ADDRESSES)}"\ntable = "{rng.choice(["t", "a.b", ""])}"'
        return text.replace('path = "lines.csv"', new)
    elif way == 4:
        encoding = json.dumps(rng.choice(ENCODINGS))
        return text.replace('path = "lines.csv"', f'path = "lines.csv"\nencoding = {encoding}')
    elif way == 5:
        key = rng.choice(["date_format", "delimiter", "decimal", "sheet", "pattern", "table"])
        new = f"{key} = {json.dumps(rng.choice([*VALUES, '%Q', '%Y%', 'a*', '[', ',']))}"
        return text.replace('path = "lines.csv"', f'path = "lines.csv"\n{new}')
    elif way == 6:
        del lines[place]
    elif way == 7:
        line = lines[place]
        spot = rng.randrange(len(line) + 1)
        sign = rng.choice(
            ['"', "[", "]", "=", "\n", "#", "\x00", "\t", "ö", "\\", "'", "{", " " * 9000]
        )
        lines[place] = line[:spot] + sign + line[spot:]
    else:
        lines.insert(place, lines[rng.randrange(len(lines))])
    return "\n".join(lines)


def _make_table(rng: random.Random, folder: Path, plan: str) -> str:
    """Leave hostile order lines; return the plan that reads them."""
    header = list(HEADER)
    rows = _make_rows(rng, rng.choice([0, 1, 3, 40]))
    for _ in range(rng.randint(0, 5)):
        if rows:
            row = rng.choice(rows)
            row[rng.randrange(len(row))] = rng.choice(VALUES)
    if rng.random() < 0.3:
        header[rng.randrange(len(header))] = rng.choice(NAMES)
    if rng.random() < 0.3:
        header.append(rng.choice(NAMES))
        rows = [[*row, rng.choice(VALUES)] for row in rows]
    way = rng.choice(["csv", "csv", "parquet", "excel", "gzip", "long"])
    if way == "parquet":
        stream = io.BytesIO()
        names = list(dict.fromkeys(header))
        pd.DataFrame([row[: len(names)] for row in rows], columns=names).to_parquet(stream)
        (folder / "t.parquet").write_bytes(_spoil_bytes(rng, stream.getvalue()))
        return plan.replace("lines.csv", "t.parquet")
    if way == "excel":
        stream = io.BytesIO()
        clean = [["".join(c for c in v if c >= " ")[:30_000] for v in row] for row in rows]
        frame = pd.DataFrame(clean, columns=header if clean else None)
        frame.to_excel(stream, index=False)
        (folder / "t.xlsx").write_bytes(_spoil_bytes(rng, stream.getvalue()))
        return plan.replace("lines.csv", "t.xlsx")
    text = _write_csv(header, rows)
    if way == "long":
        text += f"9,P1,C1,2024-01-05,1,{'9' * 2_500_000}\n"
        text += f'10,"{"x" * 2_200_000}",C1,2024-01-05,1,1\n'
    encoding = rng.choice(["utf-8", "utf-8", "utf-16", "cp1252", "utf-32", "utf-7"])
    content = _spoil_bytes(rng, text.encode(encoding, "replace"))
    if way == "gzip":
        content = _spoil_bytes(rng, gzip.compress(content))
    (folder / "lines.csv").write_bytes(content)
    return plan


def _spoil_bytes(rng: random.Random, content: bytes) -> bytes:
    """Change some bytes, leave some out, or put some in; or change nothing."""
    found = bytearray(content)
    for _ in range(rng.choice([0, 0, 1, 1, 3, 20])):
        place = rng.randrange(len(found) + 1)
        way = rng.randrange(4)
        if way == 0:
            found[place:place] = rng.choice(
                [b"\0", b'"', b"\n", b"\r", b"\xff", b",", b"\xed\xa0\x80"]
            )
        elif way == 1 and place < len(found):
            found[place] = rng.randrange(256)
        elif way == 2:
            del found[place : place + rng.choice([1, 1, 5, 100])]
        elif rng.random() < 0.2:
            del found[place:]
        else:
            found[place:place] = rng.randbytes(rng.choice([1, 8, 200]))
    return bytes(found)


def _make_document(rng: random.Random, folder: Path) -> None:
    """Leave a spoiled segmentation and a table to score by it."""
    document = json.loads((Path(__file__).parent / "kept.json").read_text(encoding="utf-8"))
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        _spoil_value(rng, document)
    text = json.dumps(document)
    if rng.random() < 0.3:
        text = _spoil_bytes(rng, text.encode()).decode("utf-8", "surrogateescape")
    (folder / "kept.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    rows = [f"C{i},{rng.choice(VALUES[:10])},{i + 20}" for i in range(20)]
    (folder / "all.csv").write_text("\n".join(["customer_id,total_spend,age_years", *rows]) + "\n")


def _spoil_value(rng: random.Random, document: dict | list) -> None:
    """Change one value somewhere within a document."""
    part: dict | list = document
    while part:
        key = rng.choice(list(part)) if isinstance(part, dict) else rng.randrange(len(part))
        if isinstance(part[key], dict | list) and part[key] and rng.random() < 0.8:
            part = part[key]
            continue
        odd = [None, -1, 0, 1e308, 10**30, "", "x" * 500, [], {}, [[]], True, "'; --", float("nan")]
        part[key] = rng.choice(odd)
        return
