"""The command line: quick help, clear answers, exit codes that mean something."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from segkit import cli
from segkit.action.lists.exporting import export_from_run
from segkit.core.errors import SegkitError
from segkit.plan.models import Scheme
from segkit.plan.reading import read_plan
from segkit.segmentation.documents import fit_segmentation
from segkit.workflow.steps import STEPS

sys.path.insert(0, str(Path(__file__).parent))
from fake_shop import PLAN, make_shop


def call(*arguments: object) -> tuple[int, str, str]:
    """Call the command line in this process: exit code, standard output, standard error."""
    said, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as end:
            return end.code, said.getvalue(), told.getvalue()
    raise AssertionError("main returned")


@pytest.fixture
def customers() -> pd.DataFrame:
    ids = [f"{number:05}" for number in range(1, 31)]
    return pd.DataFrame({"customer_id": ids, "total_spend": [float(n * n) for n in range(30)]})


@pytest.fixture
def segmentation(customers, tmp_path) -> Path:
    scheme = Scheme(
        name="tiers", goal="keep", base="value", method="tiers", columns=("total_spend",)
    )
    day = pd.Timestamp("2026-06-30").date()
    fitted, _ = fit_segmentation(customers, scheme, n_segments=3, as_of=day, random_state=1)
    fitted.write_json(tmp_path / "segmentation.json")
    return tmp_path / "segmentation.json"


def test_a_scheme_that_cannot_be_computed_is_refused(tmp_path):
    plan = make_shop(tmp_path / "shop") / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace('["total_spend"]', '["total_spent"]'), encoding="utf-8")
    found, said, _ = call("check", plan)
    assert found == 1
    assert "there is no feature 'total_spent'" in said
    assert "'total_spend'" in said


def test_help_names_every_command():
    found, said, _ = call("--help")
    assert found == 0
    for command in ("new", "sample", "check", "run", "score", "export", "compare"):
        assert f"  {command} " in said


def test_the_help_of_run_documents_each_exit_code():
    text = call("run", "--help")[1]
    for line in (
        "0    published",
        "1    the plan",
        "2    wrong call",
        "3    a notebook",
        "4    a ",
        "70   an error",
        "75   another run",
        "130  interrupted",
        "143  told to end",
    ):
        assert line in text


def test_a_new_folder_has_the_plan_the_notebooks_and_on_request_no_sample(tmp_path):
    code, said, _ = call("new", tmp_path / "shop", "--no-sample")
    assert code == 0
    assert "segkit check" in said
    assert (tmp_path / "shop" / "plan.toml").read_text().startswith("# The plan of a segmentation")
    assert not (tmp_path / "shop" / "sample.toml").exists()
    code, _, told = call("check", tmp_path / "shop" / "plan.toml")
    assert code == 1
    assert "'currency' is still to be filled in" in told
    notebooks = (tmp_path / "shop" / "notebooks").glob("*.ipynb")
    assert sorted(path.stem for path in notebooks) == list(STEPS)
    assert "runs/" in (tmp_path / "shop" / ".gitignore").read_text()
    code, _, told = call("new", tmp_path / "shop")
    assert code == 1
    assert "the folder is not empty" in told


def test_check_counts_each_table_and_says_whether_the_plan_can_be_carried_out(tmp_path):
    shop = make_shop(tmp_path / "shop")
    code, said, _ = call("check", shop / "plan.toml", "--json")
    answer = json.loads(said)
    assert code == 0
    assert answer["ok"]
    lines = answer["tables"]["order_lines"]
    assert lines["read"] == 30 == lines["accepted"] + lines["rejected"]
    assert "a run would refuse" in call("check", shop / "plan.toml")[1]  # so few customers
    (shop / "lines.csv").write_text("a,b\n1,2\n")
    code, said, told = call("check", shop / "plan.toml", "--json")
    assert code == 1
    assert "lines.csv" in str(json.loads(said)["problems"])
    assert "Traceback" not in said + told


def test_a_strict_check_ends_1_while_a_warning_is_open(tmp_path):
    shop = make_shop(tmp_path / "shop")
    lines = [f"O{n},P1,K{n},2026-01-{n % 28 + 1:02},1,{5 + n}" for n in range(60)]
    header = "order_id,product_id,customer_id,ordered_at,quantity,unit_price"
    (shop / "lines.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    code, said, _ = call("check", shop / "plan.toml")
    assert code == 0
    assert said.startswith("Warning: order_lines: No customer has a second order")
    assert "Warnings that are open: order_lines.one_order_each." in said
    assert call("check", shop / "plan.toml", "--strict")[0] == 1
    answer = '[accepted_warnings]\n"order_lines.one_order_each" = "tickets are sold once"\n'
    with (shop / "plan.toml").open("a", encoding="utf-8") as plan:
        plan.write(answer)
    code, said, _ = call("check", shop / "plan.toml", "--strict", "--json")
    assert code == 0
    assert json.loads(said)["warnings"] == []
    assert json.loads(said)["learned"]["orders"] == 60


def test_check_refuses_what_a_run_would_refuse_with_the_right_advice(tmp_path):
    shop = make_shop(tmp_path / "shop")
    lines = [f"O{n},P1,K{n},2025-{n % 12 + 1:02}-11,1,{5 + n}" for n in range(90)]
    header = "order_id,product_id,customer_id,ordered_at,quantity,unit_price"
    (shop / "lines.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    plan = PLAN.replace('method = "tiers"\ncolumns = ["total_spend"]', 'method = "rfm"')
    learn = 'method = "kmeans"\ncolumns = ["recency_days", "order_count"]'
    (shop / "plan.toml").write_text(plan, encoding="utf-8")
    code, said, _ = call("check", shop / "plan.toml")
    assert code == 1
    assert "Leave order_count out: recency and spend can be cut" in said
    assert "Bring more customers" not in said
    both = plan + '\n[[schemes]]\nname = "two"\ngoal = "keep"\nbase = "behavioural"\n' + learn
    (shop / "plan.toml").write_text(both, encoding="utf-8")
    code, said, _ = call("check", shop / "plan.toml", "--json")
    assert code == 1
    assert len(json.loads(said)["problems"]) == 2
    (shop / "plan.toml").write_text(PLAN + both[len(plan) :], encoding="utf-8")
    code, said, _ = call("check", shop / "plan.toml", "--json")
    assert code == 0
    (refused,) = json.loads(said)["refused"]
    assert "scheme two cannot be fitted: it has 0 buyers with repeat purchases" in refused


def test_a_broken_plan_gives_every_fault_with_its_line_also_as_json(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("owner", "ownr").replace("2026-01-31", '"soon"'))
    code, said, told = call("run", plan, "--json")
    answer = json.loads(said)
    assert code == 1
    assert not answer["ok"]
    assert "Did you mean 'owner'?" in answer["error"]
    assert "line 9" in told


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_score_places_every_customer_and_keeps_leading_zeros(
    customers, segmentation, tmp_path, kind
):
    table, out = tmp_path / f"customers.{kind}", tmp_path / f"scored.{kind}"
    write = {"csv": customers.to_csv, "parquet": customers.to_parquet}[kind]
    write(table, index=False)
    code, said, told = call("score", segmentation, table, "--out", out, "--json")
    assert code == 0, told
    read = {"csv": lambda path: pd.read_csv(path, dtype=str), "parquet": pd.read_parquet}[kind]
    scored = read(out)
    assert list(scored["customer_id"]) == list(customers["customer_id"])
    counts = scored["segment_name"].value_counts()
    assert json.loads(said)["segments"] == counts.to_dict()
    assert counts.sum() == 30
    assert not list(tmp_path.glob("*partial*"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("nowhere.csv", "there is no such file"),
        ("plain.pdf", "the kind of file is not known"),
        ("broken.parquet", "this is not a whole Parquet file"),
        ("other.csv", "total_spend"),
    ],
)
def test_score_says_what_is_wrong_with_a_table(segmentation, tmp_path, table, message):
    (tmp_path / "broken.parquet").write_text("not parquet")
    (tmp_path / "other.csv").write_text("customer_id,spend\n1,2\n")
    code, _, told = call("score", segmentation, tmp_path / table, "--out", tmp_path / "out.csv")
    assert code == 1
    assert message in told
    assert not (tmp_path / "out.csv").exists()


def test_compare_says_who_moved(tmp_path):
    names = ["a", "b", "c", "d"]
    before = pd.DataFrame({"customer_id": names, "segment_name": ["High", "High", "Low", "Low"]})
    after = before.assign(segment_name=["High", "Low", "Low", "Low"])
    before.to_parquet(tmp_path / "before.parquet")
    (tmp_path / "run" / "05_analysis" / "tables").mkdir(parents=True)
    after = after.rename(columns={"segment_name": "segment"}).assign(scheme="tiers")
    after.to_parquet(tmp_path / "run" / "05_analysis" / "tables" / "placements.parquet")
    places = (tmp_path / "before.parquet", tmp_path / "run")
    answer = json.loads(call("compare", *places, "--json")[1])
    assert answer["moved_count"] == 1
    assert [row["change_points"] for row in answer["shares"]] == [-25.0, 25.0]
    assert "1 of 4 customers of both runs moved" in call("compare", *places)[1]
    code, _, told = call("compare", tmp_path / "before.parquet", tmp_path / "nowhere")
    assert code == 1
    assert "there are no segments here" in told


@pytest.fixture
def segmented(tmp_path, monkeypatch) -> Path:
    """A working folder whose run left segments of two schemes."""
    shop = make_shop(tmp_path / "shop")
    run = shop / "runs" / "tiny"
    ids, names = ["c1", "c2", "c3"], ["High", "High", "Low"]
    final = pd.DataFrame({"customer_id": ids, "scheme": "tiers", "segment": names})
    every = pd.concat([final, final.assign(scheme="rfm", segment="Lost")])
    for step, name, table in (
        ("05_analysis", "placements", final),
        ("03_base_analysis", "segments", every),
    ):
        (run / step / "tables").mkdir(parents=True)
        table.to_parquet(run / step / "tables" / f"{name}.parquet")
        (run / step / "step.json").write_text("{}")
    customers = pd.DataFrame({"customer_id": ids, "consent": [True, False, True]})
    customers.to_csv(shop / "customers.csv", index=False)
    with (shop / "plan.toml").open("a", encoding="utf-8") as plan:
        plan.write('\n[tables.customers]\npath = "customers.csv"\n')
    monkeypatch.chdir(shop)
    return shop


def test_export_writes_only_those_who_consented(segmented):
    code, said, _ = call("export", "High", "--out", "high.csv")
    assert code == 0
    assert "1 of 2 customers exported" in said
    rows = (segmented / "high.csv").read_text().splitlines()
    assert rows == ["customer_id,segment,scheme,as_of", "c1,High,tiers,2026-01-31"]
    assert call("export", "plan.toml", "Lost", "--scheme", "rfm", "--out", "lost.csv")[0] == 0
    assert len((segmented / "lost.csv").read_text().splitlines()) == 3


def test_export_reads_what_an_earlier_segkit_left(segmented):
    run = segmented / "runs" / "tiny"
    ids, names = ["c1", "c2", "c3"], ["High", "High", "Low"]
    final = pd.DataFrame({"customer_id": ids, "segment_name": names, "scheme": "tiers"})
    final.to_parquet(run / "05_analysis" / "tables" / "segments.parquet")
    (run / "05_analysis" / "tables" / "placements.parquet").unlink()
    wide = pd.DataFrame({"customer_id": ids, "segment_tiers": names, "segment_rfm": ["Lost"] * 3})
    wide.to_parquet(run / "03_base_analysis" / "tables" / "segments.parquet")
    assert call("export", "High", "--out", "high.csv")[0] == 0
    rows = (segmented / "high.csv").read_text().splitlines()
    assert rows == ["customer_id,segment,scheme,as_of", "c1,High,tiers,2026-01-31"]
    assert call("export", "Lost", "--scheme", "rfm", "--out", "lost.csv")[0] == 0
    assert len((segmented / "lost.csv").read_text().splitlines()) == 3


def test_the_contacts_of_a_segment_s_accounts_are_exported(segmented):
    plan = read_plan(segmented / "plan.toml").model_copy(update={"unit": "account"})
    contacts = pd.DataFrame(
        {
            "customer_id": ["x", "y", "z", "c3"],
            "account_id": ["c1", "c1", "c2", None],
            "consent": [True, False, True, True],
        }
    )
    contacts.to_csv(segmented / "customers.csv", index=False)
    counts = export_from_run(plan, "High", path=segmented / "high.csv")
    assert (counts["in_segment"], counts["exported"]) == (3, 2)
    rows = (segmented / "high.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["x", "z"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Hig"], 1, "Did you mean 'High'?"),
        (["High", "--scheme", "rfn"], 1, "Did you mean 'rfm'?"),
        (["plan.toml", "High", "Low"], 2, "Quote the name"),
        (["nowhere.toml", "High"], 2, "there is no such plan"),
    ],
)
def test_export_names_what_it_does_not_know(segmented, arguments, code, message):
    found, _, told = call("export", *arguments, "--out", "list.csv")
    assert found == code
    assert message in told
    assert not (segmented / "list.csv").exists()


def test_an_unknown_command_is_a_wrong_call_with_the_nearest_name():
    code, _, told = call("rum")
    assert code == 2
    assert "Did you mean 'run'?" in told


def test_an_error_of_segkit_itself_is_logged_and_not_shown(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("inside")

    shop = make_shop(tmp_path / "shop")
    (shop / "runs" / "tiny").mkdir(parents=True)
    monkeypatch.setattr("segkit.workflow.run.run_plan", fail)
    code, said, told = call("run", shop / "plan.toml", "--json")
    assert code == 70
    assert "Traceback" not in told
    log = next((shop / "runs" / "tiny").glob("segkit-error-*.log"))
    assert str(log) in json.loads(said)["error"]
    assert "ZeroDivisionError: inside" in log.read_text()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (SegkitError("it is refused"), 1, "it is refused"),
        (OSError(errno.ENOSPC, "No space left", "a.html"), 1, "a.html: it cannot be read or"),
    ],
)
def test_an_interruption_and_a_refusal_have_their_codes(
    tmp_path, monkeypatch, error, code, message
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("segkit.workflow.run.run_plan", fail)
    found, said, told = call("run", make_shop(tmp_path / "shop") / "plan.toml", "--json")
    assert found == code
    assert told.startswith(f"segkit: {message}")
    assert told.strip().removeprefix("segkit: ") == json.loads(said)["error"]
