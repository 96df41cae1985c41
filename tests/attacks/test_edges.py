"""Kind: what a library cannot bear ends in words, with exit 1, and never in a traceback."""

from __future__ import annotations

import gzip
import json

import duckdb
import pandas as pd
import pytest
from fake_shop import PLAN
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.cli import main
from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.engine import open_tables, set_limits
from segkit.plan.names import locate_keys
from segkit.plan.reading import read_plan

LONG = 2_500_000


def check(plan_path, capsys):
    """Check a plan as the command line does; return the exit code and what was said."""
    with pytest.raises(SystemExit) as end:
        main(["check", str(plan_path), "--json"])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return end.value.code, json.loads(said.out)


PLANS = {
    "brackets": lambda text: text + "\nx = " + "[" * 5_000 + "]" * 5_000 + "\n",
    "tables within tables": lambda text: text + "\nx = " + "{a = " * 5_000 + "1" + "}" * 5_000,
    "digits": lambda text: text.replace("random_state = 3", "random_state = " + "9" * 5_000),
    "hexadecimal digits": lambda text: text.replace(
        "random_state = 3", "random_state = 0x" + "f" * 5_000
    ),
    "a home of nobody": lambda text: text.replace("lines.csv", "~nouser/lines.csv"),
    "a NUL in a path": lambda text: text.replace("lines.csv", "lines\\u0000.csv"),
    "a loop of links": lambda text: text.replace("lines.csv", "loop.csv"),
    "a path below a file": lambda text: text.replace("lines.csv", "good.csv/lines.csv"),
    "a name that is too long": lambda text: text.replace("lines.csv", "x" * 300 + ".csv"),
    "a whole disk": lambda text: text.replace("lines.csv", "/"),
    "a device": lambda text: text.replace("lines.csv", "/dev/zero"),
    "a NUL byte": lambda text: text + "\x00",
    "memory of 101 %": lambda text: text + '\n[engine]\nmemory_limit = "101 %"\n',
    "a folder of nobody to spill to": lambda text: text + '\n[engine]\ntemp_folder = "~nouser/x"\n',
    "a file to spill to": lambda text: text + '\n[engine]\ntemp_folder = "good.csv/x"\n',
}
ADDRESSES = [
    "lines.csv", "nope://x", "duckdb://good.csv", "sqlite://good.csv", "duckdb://~nouser/x", "://",
    "postgres://[::1", "mysql://u:secret@127.0.0.1:9/x", "sqlite://x\\u0000.db", "http://127.0.0.1:9",
]  # fmt: skip
for address in ADDRESSES:
    PLANS[f"the address {address}"] = lambda text, address=address: text.replace(
        'path = "lines.csv"', f'connection = "{address}"\ntable = "t"'
    )
ENCODINGS = [
    "rot13", "base64", "idna", "undefined", "nope", "\\u0000", "hex", "utf-16", "mbcs",
]  # fmt: skip
for encoding in ENCODINGS:
    PLANS[f"the encoding {encoding}"] = lambda text, encoding=encoding: text.replace(
        'path = "lines.csv"', f'path = "good.csv"\nencoding = "{encoding}"'
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", PLANS)
def test_a_plan_that_goes_too_far_is_refused_in_words(tmp_path, capsys, kind):
    write_lines(tmp_path, name="good.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    text = PLANS[kind](PLAN)
    assert text != PLAN
    (tmp_path / "plan.toml").write_text(text)
    if "[engine]" in text:
        write_lines(tmp_path)
    code, report = check(tmp_path / "plan.toml", capsys)
    told = report.get("error") or " ".join(report["problems"])
    assert code == 1
    assert len(told) > 20
    assert "secret" not in told


@pytest.mark.parametrize("line", ["[" + " " * 100_000, "[a" + " " * 100_000 + "x", "{, " * 50_000])
def test_a_long_line_of_a_plan_takes_no_long_time(line):
    assert len(locate_keys(line + "\na = 1")) >= 1


def test_a_plan_that_stands_at_a_link_in_a_loop_is_not_there(tmp_path):
    (tmp_path / "plan.toml").symlink_to(tmp_path / "plan.toml")
    with pytest.raises(SegkitError, match="there is no such plan"):
        read_plan(tmp_path / "plan.toml")


@pytest.mark.slow
@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("is_broken", [True, False])
def test_a_line_of_any_length_is_read(tmp_path, quoted, is_broken):
    mark = '"' if quoted else ""
    rows = [f"{line},short" for line in GOOD_LINES]
    rows.append(f"9,P1,C9,2024-01-05,1,1,{mark}{'x' * LONG}{mark}")
    if is_broken:
        rows.append("y" * LONG)
    write_lines(tmp_path, *rows, header=HEADER + ",description")
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv"}))
    assert report.ok
    assert report.counts["read"].tolist() == [4 + is_broken]
    assert report.counts["accepted"].tolist() == [4]


def test_a_long_field_of_many_lines_is_one_field(tmp_path):
    text = "\n".join(["z" * 1_000] * 300)
    write_lines(tmp_path, *GOOD_LINES, f'9,P1,C9,2024-01-05,1,"{text}"', header=HEADER)
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv"}))
    assert report.counts["read"].tolist() == [4]
    assert "malformed_line" not in set(report.quality["rule"])


def test_the_engine_prints_nothing_into_the_answer_however_long_it_takes(tmp_path):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    prepared = prepare_tables(plan, tmp_path / "run")
    tables = open_tables(plan, prepared.paths, tmp_path / "run" / "03")
    with duckdb.connect() as checking:
        set_limits(checking, plan, tmp_path)
        for con in (checking, tables["order_lines"].get_backend().con):
            asked = "SELECT current_setting('enable_progress_bar')"
            assert con.execute(asked).fetchall() == [(False,)]


def make_parquet(path):
    rows = [line.split(",") for line in GOOD_LINES * 50]
    pd.DataFrame(rows, columns=HEADER.split(",")).to_parquet(path)


@pytest.mark.slow
@pytest.mark.parametrize("place", range(0, 3_000, 97))
def test_a_parquet_file_with_a_wrong_byte_is_told_or_read(tmp_path, place):
    make_parquet(tmp_path / "lines.parquet")
    content = bytearray((tmp_path / "lines.parquet").read_bytes())
    place %= len(content)
    content[place] ^= 0xFF
    (tmp_path / "lines.parquet").write_bytes(content)
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.parquet"}))
    for problem in report.problems:
        assert "lines.parquet" in problem.describe()
    for row in report.counts.itertuples():
        assert row.accepted + row.rejected == row.read


@pytest.mark.parametrize("ending", ["csv.gz", "xlsx", "parquet"])
def test_half_a_file_is_told(tmp_path, ending):
    write_lines(tmp_path, *GOOD_LINES * 300)
    path = tmp_path / f"half.{ending}"
    frame = pd.read_csv(tmp_path / "lines.csv")
    if ending == "csv.gz":
        path.write_bytes(gzip.compress((tmp_path / "lines.csv").read_bytes()))
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SegkitError) as caught:
        prepare_tables(make_plan(tmp_path, {"order_lines": path.name}), tmp_path / "run")
    assert path.name in str(caught.value)
