"""Messages of a library: which fit a segment, on what that rests, and how large a test is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.action.message_figures import collect_evidence, list_kinds, spread_evidence
from segkit.action.message_library import (
    OWN_LIBRARY,
    LibraryError,
    Message,
    check_library,
    find_library,
    read_library,
)
from segkit.action.messages import Evidence, choose_messages, plan_variants, propose_messages
from segkit.contract.features import FEATURES
from segkit.core.absence import EmptyTable
from segkit.core.errors import SegkitError
from segkit.core.privacy import Shape
from segkit.plan.campaigns import Campaigns
from segkit.plan.reading import read_plan
from segkit.plan.targeting import Targeting
from segkit.report import messages as report
from segkit.report.shared.views import View

KINDS = list_kinds({"wine_spend": "number"})
PARTS = {
    "name": "come_back",
    "goal": "win back",
    "benefit": "an easy way back",
    "tone": "warm",
    "when": "recency_days_effect > 0.2",
    "text": "It has been a while.",
    "other_text": "Much is new.",
    "differs_in": "opening",
}


def make_message(**given) -> Message:
    return Message(**{**PARTS, **given})


def write_library(folder, *messages: dict) -> str:
    lines = []
    for message in messages:
        lines.append("[[messages]]")
        lines += [f'{key} = "{value}"' for key, value in message.items()]
    path = folder / "messages.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def profile() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment_name": ["Old", "New", "Old", "New"],
            "feature": ["recency_days", "recency_days", "order_count", "order_count"],
            "known_count": [100, 300, 100, 300],
            "mean": [300.0, 60.0, 2.0, 2.1],
            "base_count": 400,
            "base_mean": [120.0, 120.0, 2.0, 2.0],
            "index": [250.0, 50.0, 100.0, 105.0],
            "effect_size": [1.5, -1.5, -0.05, 0.05],
            "by_construction": False,
            "set_apart": [True, True, False, False],
        }
    )


@pytest.fixture
def levels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment_name": ["Old", "Old", "New", "New", "New"],
            "descriptor": ["industry", "industry", "industry", "device", "device"],
            "value": ["inns <b>", "farms", "farms", "tablet", "unknown"],
            "customer_count": [60, 40, 200, 100, 90],
            "segment_count": [100, 100, 300, 300, 300],
            "share": [0.6, 0.4, 2 / 3, 1 / 3, 0.3],
            "base_share": [0.3, 0.7, 0.7, 0.25, 0.1],
            "index": [200.0, 57.0, 95.0, 133.0, 300.0],
            "by_construction": False,
            "set_apart": [True, True, False, False, True],
        }
    )


@pytest.fixture
def decisions() -> pd.DataFrame:
    table = pd.DataFrame({"segment_name": ["Old", "New"], "customer_count": [100, 300]})
    return table.assign(consent_share=[0.4, np.nan], channel=["e-mail", None])


def choose(library, decisions, profile, levels, *, most: int = 3):
    evidence = collect_evidence(profile, levels)
    return choose_messages(library, decisions, evidence=evidence, kinds=KINDS, most=most)


class TestLibrary:
    """How a library is read."""

    def test_segkit_s_own_is_whole_and_differs_in_one_thing(self):
        messages = read_library(OWN_LIBRARY, list_kinds())
        assert len(messages) >= 25
        goals = [message.goal for message in messages]
        assert len(set(goals)) == len(goals)
        for message in messages:
            for text in (message.text, message.other_text):
                assert text[0].isupper() or text[0] == "{", text
                assert text[-1] in ".?", text
            assert message.channel == message.channel.lower()

    def test_figures_have_the_names_of_features(self):
        for name, feature in FEATURES.items():
            if feature.kind == "number":
                assert KINDS[f"{name}_effect"] == KINDS[f"{name}_index"] == "number"
        assert KINDS["industry"] == "text"
        assert KINDS["industry_share"] == KINDS["consent_share"] == "number"
        assert KINDS["wine_spend_effect"] == "number"

    @pytest.mark.parametrize(
        ("key", "value", "told"),
        [
            ("when", "recency_day > 3", ["line 6", "no column 'recency_day'", "recency_days"]),
            ("when", "recency_days >", ["line 6", "position"]),
            ("when", "industry > 3", ["line 6", "'>' does not go with"]),
            ("text", "For {industri}.", ["line 7", "{industri}", "'industry'"]),
            ("text", "Much is new.", ["line 8", "say the same", 'other_text = "..."']),
            ("differs_in", "colour", ["line 9", "'colour'", 'differs_in = "opening"']),
            ("tone", "", ["line 5", "'tone' is not right", 'Write tone = "..."']),
            ("ton", "warm", ["line 10", "unknown key 'ton'", "'tone'"]),
        ],
    )
    def test_a_fault_is_told_with_file_line_and_what_to_write(self, tmp_path, key, value, told):
        message = {**PARTS, key: value}
        path = write_library(tmp_path, message)
        with pytest.raises(LibraryError) as caught:
            read_library(path, KINDS)
        assert "messages.toml" in str(caught.value)
        for text in told:
            assert text in str(caught.value)

    def test_all_faults_are_told_at_once(self, tmp_path):
        short = {key: value for key, value in PARTS.items() if key != "when"}
        with pytest.raises(LibraryError) as caught:
            read_library(write_library(tmp_path, short, {**PARTS, "benefit": ""}), KINDS)
        assert len(caught.value.faults) == 2
        assert 'Add when = "recency_days_effect > 0.2"' in str(caught.value)
        with pytest.raises(LibraryError) as caught:
            read_library(write_library(tmp_path, PARTS, {**PARTS, "when": "x > 1"}), KINDS)
        assert "two messages are called 'come_back'" in str(caught.value)
        assert "no column 'x'" in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "'messages' is missing"),
            (b"messages = []", "'messages' is not right"),
            (b"[[messages]\n", "not valid TOML"),
            (b"# caf\xe9", "not UTF-8"),
        ],
    )
    def test_what_is_no_library_is_refused(self, tmp_path, content, told):
        path = tmp_path / "messages.toml"
        path.write_bytes(content)
        with pytest.raises(SegkitError, match=told):
            read_library(path, KINDS)

    def test_a_plan_names_its_own_and_one_that_is_not_there_is_told(self, tmp_path):
        plan = read_plan("plan.toml")
        assert find_library(plan) == OWN_LIBRARY
        before = check_library(plan)
        targeting = Targeting(messages=str(write_library(tmp_path, PARTS)))
        own = plan.model_copy(update={"targeting": targeting})
        assert check_library(own) != before
        wrong = write_library(tmp_path, {**PARTS, "when": "recency_day > 3"})
        with pytest.raises(LibraryError, match="Did you mean 'recency_days'"):
            check_library(own)
        spec = plan.tables["customers"].model_copy(update={"features": {"wine_spend": "Wine"}})
        tables = {**plan.tables, "customers": spec}
        own_feature = own.model_copy(update={"tables": tables})
        write_library(tmp_path, {**PARTS, "when": "wine_spend_effect > 1 and wine_spend > 3"})
        assert check_library(own_feature)
        with pytest.raises(LibraryError, match="wine_spend"):
            check_library(own)
        assert wrong.is_file()
        with pytest.raises(SegkitError, match="what is no file"):
            check_library(plan.model_copy(update={"targeting": Targeting(messages=str(tmp_path))}))
        away = plan.model_copy(update={"targeting": Targeting(messages="nowhere.toml")})
        with pytest.raises(SegkitError, match=r'\[targeting\]: messages = "messages.toml"'):
            check_library(away)


class TestFigures:
    """What is known of a segment."""

    def test_what_may_be_chance_has_no_index_and_no_effect(self, profile, levels, decisions):
        evidence = collect_evidence(profile, levels)
        figures = spread_evidence(evidence, decisions, KINDS).set_index("segment_name")
        old = figures.loc["Old"]
        assert (old["recency_days"], old["recency_days_index"]) == (300, 250)
        assert old["recency_days_effect"] == 1.5
        assert old["order_count"] == 2
        assert np.isnan(old["order_count_index"])
        assert (old["industry"], old["industry_share"]) == ("inns <b>", 0.6)
        assert old["consent_share"] == 0.4
        new = figures.loc["New"]
        assert new[["industry", "device"]].isna().all()  # below, may be chance, and not known

    def test_what_made_the_segments_counts_without_a_test(self, profile, levels, decisions):
        made = profile.assign(by_construction=True, set_apart=False)
        figures = spread_evidence(collect_evidence(made, levels), decisions, KINDS)
        assert figures["order_count_index"].tolist() == [100, 105]

    def test_hidden_and_missing_tables_leave_all_unknown(self, decisions):
        nothing = pd.DataFrame()
        figures = spread_evidence(collect_evidence(nothing, nothing), decisions, KINDS)
        assert figures["recency_days"].isna().all()


class TestChoice:
    """Which messages fit."""

    def test_a_true_condition_chooses_with_the_figures_it_reads(self, profile, levels, decisions):
        chosen, why = choose([make_message()], decisions, profile, levels)
        assert chosen["segment_name"].tolist() == ["Old"]
        assert chosen["customer_count"].tolist() == [100]
        row = why.iloc[0]
        assert (row["name"], row["value"], row["base_value"]) == ("recency_days", 300, 120)
        assert (row["customer_count"], row["effect_size"]) == (100, 1.5)

    @pytest.mark.parametrize(
        "when",
        [
            "order_count_effect < 0.2",  # may be chance
            "consent_share > 0.3 and consent_share < 0.1",
            "not (mean_value > 3)",  # not known, and its opposite is not known either
            "channel = 'sms'",
        ],
    )
    def test_what_is_not_known_or_not_so_chooses_nothing(self, profile, levels, decisions, when):
        chosen, why = choose([make_message(when=when)], decisions, profile, levels)
        assert isinstance(chosen, EmptyTable)
        assert isinstance(why, EmptyTable)

    def test_most_evidence_comes_first_and_one_of_each_goal(self, profile, levels, decisions):
        library = [
            make_message(name="weak", goal="one", when="industry_index > 100"),
            make_message(name="strong", goal="two"),
            make_message(name="again", goal="two", when="recency_days > 100"),
        ]
        chosen, _ = choose(library, decisions, profile, levels)
        assert chosen["message"].tolist() == ["strong", "weak"]  # 1.5 against .3 / sqrt(.21)
        assert chosen["place"].tolist() == [1, 2]
        chosen, _ = choose(library, decisions, profile, levels, most=1)
        assert chosen["message"].tolist() == ["strong"]

    def test_a_placeholder_is_filled_if_half_of_the_segment_have_the_value(
        self, profile, levels, decisions
    ):
        message = make_message(text="For {industry}.")
        chosen, why = choose([message], decisions, profile, levels)
        assert chosen["text"].tolist() == ["For inns <b>."]
        assert set(why["name"]) == {"recency_days", "industry"}
        fewer = levels.assign(share=levels["share"] * 0.8)
        assert choose([message], decisions, profile, fewer)[0].empty

    def test_no_segments(self, profile, levels, decisions):
        assert choose([make_message()], decisions.iloc[:0], profile, levels)[0].empty


class TestVariants:
    """How large a test of two variants is."""

    def plan(self, *, campaigns: Campaigns | None = None, channel="any", answer=0.1, count=398):
        chosen = pd.DataFrame([make_message(channel=channel).model_dump()])
        chosen = chosen.assign(segment_name="Old", message="come_back", place=1)
        chosen = chosen.assign(customer_count=500, segment_count=500)
        channels = ["e-mail", "phone"]
        contacts = pd.DataFrame({"segment_name": "Old", "channel": channels})
        contacts["contact_count"] = [count, 50]
        best = contacts.head(1).assign(answer_share=answer)
        planned = plan_variants(chosen, contacts, best=best, campaigns=campaigns or Campaigns())
        return planned.iloc[0]

    def test_the_size_by_hand(self):
        campaigns = Campaigns(primary="converted", smallest_effect=0.1)
        row = self.plan(campaigns=campaigns)
        assert (row["channel"], row["arm_count"]) == ("e-mail", 199)
        assert row["seen_difference"] == pytest.approx(0.1, abs=1e-3)
        assert row["needed_count"] == 398  # 199 in each arm tell .10 from .20
        assert bool(row["is_enough"])
        assert not self.plan(campaigns=campaigns, count=396)["is_enough"]

    def test_a_message_has_its_own_channel(self):
        row = self.plan(channel="phone")
        assert (row["contact_count"], row["arm_count"]) == (50, 25)
        assert pd.isna(row["answer_share"])
        assert pd.isna(row["seen_difference"])
        assert pd.isna(self.plan(channel="post")["arm_count"])

    def test_a_segment_that_is_too_small_sees_nothing(self):
        assert pd.isna(self.plan(count=2)["seen_difference"])

    def test_an_effect_in_money_asks_for_no_number(self):
        campaigns = Campaigns(primary="spend", smallest_effect=3)
        assert pd.isna(self.plan(campaigns=campaigns)["needed_count"])


class TestSentences:
    """What is said of messages."""

    def propose(self, profile, levels, decisions, *, effect=None, count=80):
        contacts = pd.DataFrame({"segment_name": ["Old"], "channel": ["e-mail"]})
        contacts["contact_count"] = count
        best = contacts.assign(answer_share=0.1)
        known = Evidence(profile, levels, contacts, best)
        plan = read_plan("plan.toml")
        campaigns = Campaigns(primary="converted", smallest_effect=effect)
        plan = plan.model_copy(update={"campaigns": campaigns})
        customers = pd.DataFrame({"customer_id": ["a"], "recency_days": [1.0]})
        proposed, why = propose_messages(customers, decisions, known, plan=plan)
        assert (proposed["segment_name"] == "Old").all()
        return publish(proposed, report.MESSAGES), publish(why, report.EVIDENCE)

    def test_evidence_count_and_test_are_told(self, profile, levels, decisions):
        messages, why = self.propose(profile, levels, decisions)
        told = read_texts(report.state_messages(messages, why))
        assert "days since the last order 300 on average, against 120 of all (n = 100)" in told[0]
        assert "40 customers get each by e-mail; a difference of +" in told[1]

    def test_a_segment_that_is_too_small_says_what_it_can_see(self, profile, levels, decisions):
        messages, why = self.propose(profile, levels, decisions, effect=0.01)
        told = read_texts(report.state_messages(messages, why))
        assert "too small to tell the two variants" in told[1]
        assert "points or more is seen in four cases of five" in told[1]

    def test_every_figure_told_is_read_from_a_published_table(self, profile, levels, decisions):
        messages, why = self.propose(profile, levels, decisions)
        for finding in report.state_messages(messages, why):
            for figure in finding.figures:
                table = why if figure.cell.table == why.shape.name else messages
                assert table._find(figure.cell.table) is table.frame
                assert figure.value is not None

    def test_what_is_known_of_no_segment_and_where_no_message_fits_is_said_once(
        self, profile, levels, decisions
    ):
        messages, why = self.propose(profile, levels, decisions, count=None)
        seen = publish(decisions, View(Shape("decisions", by=("segment_name",))))
        told = read_texts(report.state_messages(messages, why, decisions=seen))
        assert told[-2] == "No message of the library fits what is known of “New”."
        assert told[-1].startswith("How many may be contacted is not known of any segment")
        assert len(told) == 3

    def test_a_small_segment_is_not_told_of(self, profile, levels, decisions):
        few = decisions.assign(customer_count=[4, 300])
        messages, why = self.propose(profile, levels, few)
        assert report.state_messages(messages, why) == []

    def test_text_from_data_is_escaped_where_it_is_shown(self, profile, levels, decisions, capsys):
        _, why = self.propose(profile, levels, decisions)
        shown = report.list_evidence(why)
        assert shown.frame["value_text"].tolist()[0]
        assert report.name_messages(publish(EmptyTable(reason="x"), report.MESSAGES)).empty
