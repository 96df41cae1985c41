"""Times keep the clock that they show, and days that stand for nothing are set aside."""

from __future__ import annotations

import datetime

import duckdb
import pandas as pd
import pytest
from small_plans import HEADER, make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.placeholder_dates import find_placeholders


def prepare(folder, times, *, spec=None, **others):
    """Prepare order lines of these times; return the accepted and rejected, and the quality."""
    lines = [f'{n},P,C{n},"{time}",1,1' for n, time in enumerate(times)]
    write_lines(folder, *lines)
    return prepare_file(folder, {"path": "lines.csv"} | (spec or {}), **others)


def prepare_file(folder, spec, **others):
    prepared = prepare_tables(make_plan(folder, {"order_lines": spec}, **others), folder / "run")
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    rejected = pd.read_parquet(folder / "run/tables/rejected/order_lines.parquet")
    return accepted, rejected, prepared.quality.set_index("rule")


def show(accepted) -> list[str]:
    return accepted["ordered_at"].dt.strftime("%Y-%m-%d %H:%M").tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        ("2024-05-13 00:30:00 +0200", None),
        ("2024-05-13 00:30:00 +0200", "%Y-%m-%d %H:%M:%S %z"),
        ("2024-05-13T00:30:00+02:00", None),
        ("2024-05-13T00:30:00.000-0700", None),
        ("2024-05-13 00:30:00+10", None),
        ("13/05/2024 00:30 +02:00", None),
        ("13.05.2024 00:30:00 CEST", None),
        ("May 13, 2024 12:30:00 AM PDT", None),
        ("13 May 2024 00:30:00 UTC", None),
        ("2024-05-13 00:30 Europe/Helsinki", None),
        ("Mon May 13 00:30:00 +0200 2024", "%a %b %d %H:%M:%S %z %Y"),
        ("Mon May 13 00:30:00 2024 +0200", "%a %b %d %H:%M:%S %Y +0200"),
    ],
)
def test_the_clock_that_a_time_shows_is_kept(tmp_path, written, date_format):
    spec = {"date_format": date_format} if date_format else {}
    accepted, _, quality = prepare(tmp_path, [written, written], spec=spec)
    assert show(accepted) == ["2024-05-13 00:30"] * 2
    if not written.endswith("2024 +0200"):  # there the plan's format says what to read
        assert quality.loc["zones_ordered_at", "severity"] == "note"
        assert quality.loc["zones_ordered_at", "row_count"] == 2


def test_summer_and_winter_offsets_are_one_note_and_no_warning(tmp_path):
    times = ["2024-01-05T23:10:00+01:00", "2024-07-05T00:10:00+02:00"]
    accepted, _, quality = prepare(tmp_path, times)
    assert show(accepted) == ["2024-01-05 23:10", "2024-07-05 00:10"]
    assert quality["severity"].tolist() == ["note"]
    assert "2 different zones" in quality.loc["zones_ordered_at", "reason"]


@pytest.mark.parametrize("where", ["plan", "table"])
def test_times_in_utc_are_turned_to_the_plan_s_zone(tmp_path, where):
    times = ["2024-07-01T22:30:00Z", "2024-12-01T22:30:00Z", "2024-07-01T22:30:00+05:00"]
    zone = {"time_zone": "Europe/Helsinki"}
    spec = zone if where == "table" else {}
    others = zone if where == "plan" else {}
    accepted, _, quality = prepare(tmp_path, times, spec=spec, **others)
    assert show(accepted) == ["2024-07-02 01:30", "2024-12-02 00:30", "2024-07-01 22:30"]
    told = quality.loc["zones_ordered_at", "treatment"]
    assert "2 in UTC were turned to the clock of Europe/Helsinki" in told
    assert "1 are read as the clock that they show" in told


def test_utc_stays_utc_where_no_zone_is_given_and_the_note_says_how_to_give_one(tmp_path):
    accepted, _, quality = prepare(tmp_path, ["2024-07-01T22:30:00Z", "2024-07-03 10:00:00 GMT"])
    assert show(accepted)[0] == "2024-07-01 22:30"
    assert "write time_zone" in quality.loc["zones_ordered_at", "treatment"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "times",
    [
        ["2024-07-01T22:30:00Z", "2024-07-01 23:00:00", "2024-07-02 09:00:00"],
        ["01.07.2024 22:30 +02:00", "02.07.2024 09:00", "13.07.2024 09:00"],
        ["2024-07-01T22:30:00Z", "2024-07-01T22:30:00-05:00"],
    ],
)
def test_zones_dropped_in_some_rows_are_warned_of_with_their_counts(tmp_path, times):
    accepted, _, quality = prepare(tmp_path, times)
    assert len(accepted) == len(times)
    zoned = sum("Z" in time or time[-6] in "+-" for time in times)
    assert quality.loc["mixed_zones_ordered_at", ["severity", "row_count"]].tolist() == [
        "warning",
        zoned,
    ]


def test_a_zone_in_the_plan_settles_rows_of_utc_beside_local_ones(tmp_path):
    times = ["2024-07-01T22:30:00Z", "2024-07-02 01:30:00"]
    accepted, _, quality = prepare(tmp_path, times, time_zone="Europe/Helsinki")
    assert show(accepted) == ["2024-07-02 01:30"] * 2
    assert quality["severity"].tolist() == ["note"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zone", "expected"), [(None, "2024-07-01 22:30"), ("Australia/Sydney", "2024-07-02 08:30")]
)
def test_typed_moments_are_turned_to_the_zone_and_plain_times_are_not(tmp_path, zone, expected):
    kinds = {"TIMESTAMPTZ": expected, "TIMESTAMP": "2024-07-01 22:30"}
    for kind, shown in kinds.items():
        duckdb.execute("SET TimeZone = 'UTC'")
        duckdb.execute(
            f"""COPY (SELECT i AS order_id, 'P' AS product_id, 'C' || i AS customer_id,
                '2024-07-01 22:30:00'::{kind} AS ordered_at, 1 AS quantity, 1.5 AS unit_price
            FROM range(3) t(i)) TO '{tmp_path}/lines.parquet' (FORMAT parquet)"""
        )
        accepted, _, quality = prepare_file(tmp_path, {"path": "lines.parquet"}, time_zone=zone)
        assert show(accepted) == [shown] * 3
        assert ("zones_ordered_at" in quality.index) == (kind == "TIMESTAMPTZ")


def test_a_zone_that_is_none_is_named(tmp_path):
    with pytest.raises(SegkitError, match="Mars/Olympus"):
        prepare(tmp_path, ["2024-07-01T22:30:00Z"] * 2, time_zone="Mars/Olympus")


def test_a_column_that_tells_day_from_month_decides_for_the_others_of_its_table(tmp_path):
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,customer_id,opened_at,resolved_at\n"
        "1,A,03/04/2024,05/13/2024\n2,B,02/05/2024,03/04/2024\n3,A,01/02/2024,02/01/2024\n"
    )
    write_lines(tmp_path)
    tables = {"order_lines": "lines.csv", "tickets": "tickets.csv"}
    prepared = prepare_tables(make_plan(tmp_path, tables), tmp_path / "run")
    tickets = pd.read_parquet(prepared.paths["tickets"])
    assert tickets["opened_at"].dt.strftime("%m-%d").tolist() == ["03-04", "02-05", "01-02"]
    quality = prepared.quality.set_index("rule")
    assert quality.loc["ambiguous_date_opened_at", "severity"] == "note"
    assert "month first, as other dates" in quality.loc["ambiguous_date_opened_at", "treatment"]


# ---------------------------------------------------------------- days that stand for nothing

GOOD = [f"2024-{month:02}-{day:02}" for month in range(1, 9) for day in (3, 9, 17, 23, 28)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "day",
    [
        *("1900-01-01", "1970-01-01", "1970-01-01 01:00:00", "1899-12-30", "0001-01-01"),
        *("9999-12-31", "2099-12-31", "9999-12-31 23:59:59", "1753-01-01", "0000-00-00"),
    ],
)
def test_few_needed_dates_that_stand_for_nothing_are_set_aside_by_a_rule_of_their_own(
    tmp_path, day
):
    accepted, rejected, quality = prepare(tmp_path, [*GOOD, day])
    assert len(accepted) == len(GOOD)
    assert rejected["rule"].tolist() == ["placeholder_date_ordered_at"]
    told = quality.loc["placeholder_dates_ordered_at"]
    assert (told["severity"], told["row_count"]) == ("note", 1)
    assert (day[:10] if day != "0000-00-00" else "zeros") in told["reason"]


def test_they_are_known_in_the_file_s_own_format(tmp_path):
    times = [f"{time[8:]}.{time[5:7]}.{time[:4]}" for time in GOOD]
    accepted, rejected, _ = prepare(tmp_path, [*times, "01.01.1900", "31.12.9999"])
    assert len(accepted) == len(GOOD)
    assert rejected["rule"].tolist() == ["placeholder_date_ordered_at"] * 2


def test_many_are_warned_of_and_most_are_refused(tmp_path):
    _, rejected, quality = prepare(tmp_path, [*GOOD, *["1970-01-01"] * 10])
    assert len(rejected) == 10
    assert quality.loc["placeholder_dates_ordered_at", "severity"] == "warning"
    with pytest.raises(SegkitError, match=r"most dates stand for nothing.*1970-01-01 \(50 rows\)"):
        prepare(tmp_path, [*GOOD, *["1970-01-01"] * 50])


def test_an_optional_date_becomes_unknown_and_its_customer_stays(tmp_path):
    days = [*GOOD, "1900-01-01", "9999-12-31"]
    rows = [f"C{n},{day}" for n, day in enumerate(days)]
    (tmp_path / "people.csv").write_text("\n".join(["customer_id,signed_up_on", *rows]) + "\n")
    prepared = prepare_tables(make_plan(tmp_path, {"customers": "people.csv"}), tmp_path / "run")
    people = pd.read_parquet(prepared.paths["customers"])
    assert len(people) == len(days)
    assert people["signed_up_on"].isna().tolist() == [False] * len(GOOD) + [True] * 2
    told = prepared.quality.set_index("rule").loc["placeholder_dates_signed_up_on"]
    assert told["treatment"] == "Read as unknown."
    assert "1900-01-01 (1 rows), 9999-12-31 (1 rows)" in told["reason"]


def test_a_typed_column_of_dates_is_looked_at_too(tmp_path):
    pd.DataFrame(
        {
            "ticket_id": range(41),
            "customer_id": [f"C{n % 7}" for n in range(41)],
            "opened_at": pd.to_datetime([*GOOD, "2024-09-01"]),
            "resolved_at": [*pd.to_datetime(GOOD), pd.Timestamp("2199-12-31")],
        }
    ).to_parquet(tmp_path / "tickets.parquet")
    write_lines(tmp_path)
    tables = {"order_lines": "lines.csv", "tickets": "tickets.parquet"}
    prepared = prepare_tables(make_plan(tmp_path, tables), tmp_path / "run")
    tickets = pd.read_parquet(prepared.paths["tickets"])
    assert tickets["resolved_at"].isna().sum() == 1
    assert "placeholder_dates_resolved_at" in set(prepared.quality["rule"])


def test_a_line_takes_its_day_from_the_order_where_its_own_stands_for_nothing(tmp_path):
    lines = [f"{n},P,C{n},{day},1,1" for n, day in enumerate([*GOOD, "1900-01-01"])]
    write_lines(tmp_path, *lines)
    orders = [f"{n},2024-10-0{1 + n % 9}" for n in range(len(lines))]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,ordered_at", *orders]) + "\n")
    tables = {"orders": "orders.csv", "order_lines": "lines.csv"}
    prepared = prepare_tables(make_plan(tmp_path, tables), tmp_path / "run")
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    assert len(accepted) == len(lines)
    assert accepted["ordered_at"].min() > pd.Timestamp("2024-01-01")


def test_days_among_others_of_their_time_are_days():
    day = datetime.date(1970, 1, 1)
    of_their_time = {day: 3, datetime.date(1970, 3, 4): 2, datetime.date(1969, 11, 4): 2}
    assert find_placeholders(of_their_time).count == 0
    assert find_placeholders({day: 3, datetime.date(1950, 3, 4): 9}).days == {day: 3}


def test_good_dates_are_not_nagged(tmp_path):
    report = None
    for times in (GOOD, [f"{day}T10:30:00" for day in GOOD], [f"{day} 10:30" for day in GOOD]):
        lines = [f"{n},P,C{n % 9},{time},1,1" for n, time in enumerate(times)]
        write_lines(tmp_path, *lines, header=HEADER)
        plan = make_plan(tmp_path, {"order_lines": "lines.csv"}, as_of="2024-08-31")
        report = check_plan(plan)
        assert report.found.empty
    assert report is not None


def test_the_help_desk_s_offsets_of_summer_and_winter_keep_their_hours(tmp_path, shared_data):
    path = shared_data("helpdesk/helpdesk_erama.csv.gz")
    write_lines(tmp_path)
    events = {
        "path": str(path),
        "columns": {"occurred_at": "time:timestamp", "event_type": "Activity"},
    }
    plan = make_plan(tmp_path, {"order_lines": "lines.csv", "events": events})
    prepared = prepare_tables(plan, tmp_path / "run")
    found = pd.read_parquet(prepared.paths["events"])["occurred_at"]
    shown = pd.read_csv(path)["time:timestamp"].str[:19].sort_values()
    assert found.dt.strftime("%Y-%m-%d %H:%M:%S").sort_values().tolist() == shown.tolist()
    told = prepared.quality.set_index("rule").loc["zones_occurred_at"]
    assert (told["severity"], told["row_count"]) == ("note", len(shown))


def test_dates_written_by_two_hands_are_warned_of(tmp_path):
    first = [f"{day:02}/03/2024" for day in range(1, 29)]
    _, _, quality = prepare(tmp_path, [*first, "04/15/2024", "04/16/2024", "04/05/2024"])
    told = quality.loc["two_orders_ordered_at"]
    assert (told["severity"], told["row_count"]) == ("warning", 2)
    assert "ordered time is day first" in told["reason"]


def test_dates_of_one_hand_are_not(tmp_path):
    _, _, quality = prepare(tmp_path, [f"{day:02}/03/2024" for day in range(1, 29)])
    assert "two_orders_ordered_at" not in quality.index


@pytest.mark.parametrize(("solved", "is_told"), [("2024-03-04", True), ("2024-03-05", False)])
def test_a_ticket_solved_before_it_was_opened_is_warned_of(tmp_path, solved, is_told):
    rows = ["ticket_id,customer_id,opened_at,resolved_at", f"T1,C1,2024-03-05,{solved}"]
    (tmp_path / "tickets.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "people.csv").write_text("customer_id,income\nC1,2000\nC2,3000\n")
    plan = make_plan(tmp_path, {"customers": "people.csv", "tickets": "tickets.csv"})
    rules = prepare_tables(plan, tmp_path / "run").quality["rule"]
    assert ("resolved_before_opened" in set(rules)) is is_told
