"""Personas say only what sets a segment apart, with what it rests on, and are nobody's record."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from recompute import open_people, recompute_mean, recompute_share

from segkit.action.persona_facts import CUSTOMERS, FACT_COLUMNS, TRAITS, choose_facts, list_facts
from segkit.action.persona_headings import HEADINGS, find_group, find_heading
from segkit.action.persona_names import NAMES, give_names, list_unused
from segkit.action.personas import (
    blend_facts,
    choose_segments,
    collect_descriptors,
    count_matches,
    draft_personas,
    join_people,
)
from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.plan.personas import Personas
from segkit.profiles.differences import judge_levels, rank_descriptors
from segkit.profiles.segment_profiles import profile_segments
from segkit.profiles.sizes import size_segments
from segkit.report import descriptors, differences, persona_findings, personas, sizes, targeting
from segkit.report.shared.numbers import THIN_SPACE

PLAIN = {"by_construction": False}


def make_levels(rows, *, descriptor="household_type", unknown=(0, 0)):
    """Return published levels of two segments from rows of (value, count in A, count in B)."""
    table = []
    rows = [*rows, ("unknown", *unknown)] if any(unknown) else rows
    size = [sum(row[place] for row in rows) for place in (1, 2)]
    for value, *counts in rows:
        for place, name in enumerate("AB"):
            table.append(
                {
                    "descriptor": descriptor,
                    "segment": place,
                    "segment_name": name,
                    "value": value,
                    "customer_count": counts[place],
                    "segment_count": size[place],
                    "value_count": sum(counts),
                    "base_count": sum(size),
                    **PLAIN,
                }
            )
    return publish(pd.DataFrame(table), descriptors.LEVELS).frame


def list_shares(levels):
    facts = list_facts({CUSTOMERS: levels}, pd.DataFrame(columns=["segment_name", "mean"]))
    return facts.set_index(["segment_name", "value"])


class TestFacts:
    def test_a_share_is_of_those_of_whom_it_is_known(self):
        # In A 60 of 100 known are families, in B 30 of 150; of 100 and 50 nothing is known.
        levels = make_levels([("family", 60, 30), ("single", 40, 120)], unknown=(100, 50))
        fact = list_shares(levels).loc[("A", "family")]
        assert fact["figure"] == pytest.approx(60 / 100)
        assert fact["base_figure"] == pytest.approx(90 / 250)
        assert fact["index"] == pytest.approx(100 * 0.6 / 0.36)
        assert fact["strength"] == pytest.approx(0.24 / np.sqrt(0.36 * 0.64))
        assert fact[["customer_count", "known_count", "base_count"]].tolist() == [60, 100, 250]
        assert fact["source"] == "customers.household_type"
        assert fact["differs"]

    def test_who_was_not_asked_makes_no_difference(self):
        # Of all customers of A twice as many are families, of those known as many as in B.
        levels = make_levels([("family", 80, 40), ("single", 80, 40)], unknown=(40, 120))
        fact = list_shares(levels).loc[("A", "family")]
        assert fact["figure"] == fact["base_figure"] == 0.5
        assert not fact["differs"]

    def test_where_few_are_unknown_the_share_is_of_all_and_tells_not_how_many(self):
        levels = make_levels([("family", 60, 30), ("single", 40, 120)], unknown=(30, 40))
        levels.loc[levels["value"] == "unknown", ["customer_count", "value_count"]] = np.nan
        fact = list_shares(levels).loc[("A", "family")]
        assert not fact["is_of_known"]
        assert fact["known_count"] == 130
        assert fact["figure"] == pytest.approx(60 / 130)

    def test_what_is_most_common_but_like_everybody_is_no_trait(self):
        levels = make_levels([("35-44", 330, 330), ("18-24", 220, 110), ("55-64", 450, 560)])
        facts = list_shares(levels)
        assert not facts.loc[("A", "35-44"), "differs"]
        assert facts.loc[("A", "18-24"), "differs"]

    def test_a_sure_but_small_difference_is_no_trait(self):
        levels = make_levels([("x", 52_000, 50_000), ("y", 48_000, 50_000)])
        fact = list_shares(levels).loc[("A", "x")]
        assert fact["difference_low"] > 0
        assert not fact["differs"], "an index of 102 is like everybody"

    def test_a_large_difference_of_few_is_no_trait(self):
        levels = make_levels([("x", 8, 50), ("y", 12, 150)])
        fact = list_shares(levels).loc[("A", "x")]
        assert fact["index"] > 120
        assert not fact["differs"]

    def test_hidden_levels_and_those_that_say_nothing_make_no_fact(self):
        levels = make_levels([("a", 60, 30), ("b", 3, 90), ("other", 40, 40), ("False", 9, 90)])
        assert ("A", "b") not in list_shares(levels).index
        assert not {"other", "False"} & set(list_shares(levels).index.get_level_values("value"))

    def test_nothing_to_tell_of_gives_no_facts(self):
        nothing = pd.DataFrame(columns=list(make_levels([("a", 60, 30), ("b", 30, 60)]).columns))
        facts = list_facts({CUSTOMERS: nothing, TRAITS: nothing}, pd.DataFrame({"mean": []}))
        assert facts.empty
        assert list(facts.columns) == FACT_COLUMNS
        assert choose_facts(facts, most=9).empty

    def test_one_segment_alone_differs_from_nobody(self):
        levels = make_levels([("a", 60, 0), ("b", 40, 0)])
        levels = levels[levels["segment_name"] == "A"]
        assert not list_facts({CUSTOMERS: levels}, pd.DataFrame({"mean": []}))["differs"].any()


def make_fact(feature, value="x", **given):
    fact = {
        "segment_name": "A",
        "feature": feature,
        "value": value,
        "kind": "share" if value else "mean",
        "figure": 0.4,
        "base_figure": 0.2,
        "index": 200.0,
        "difference_low": 0.1,
        "difference_high": 0.3,
        "strength": 0.5,
        "customer_count": 40.0,
        "known_count": 100.0,
        "base_count": 500.0,
        "is_of_known": True,
        "by_construction": False,
        "differs": True,
        "source": f"customers.{feature}",
        "heading": find_heading(feature),
    }
    return fact | given


def choose(*facts, **options):
    chosen = choose_facts(pd.DataFrame(facts), **({"most": 14} | options))
    return list(zip(chosen["feature"], chosen["value"], strict=True))


class TestChoice:
    def test_the_level_whose_excess_is_surest_is_told_not_the_mode(self):
        common = make_fact("country", "FI", figure=0.6, difference_low=0.02)
        apart = make_fact("country", "EE", figure=0.3, difference_low=0.15)
        rare = make_fact("country", "AX", figure=0.05, difference_low=0.2, index=900.0)
        assert choose(common, apart, rare) == [("country", "EE")]

    def test_where_none_is_more_common_the_one_that_lacks_is_told(self):
        less = make_fact("country", "FI", strength=-0.5, difference_low=-0.3, difference_high=-0.2)
        assert choose(less) == [("country", "FI")]
        more = make_fact("country", "SE")
        assert choose(less, more) == [("country", "SE")]

    def test_columns_that_say_the_same_are_told_once(self):
        band = make_fact("age_band", "18-24", strength=0.6)
        decade = make_fact("birth_decade", "2000s", strength=0.7)
        years = make_fact("age_years", "", strength=-0.9, difference_low=-1, difference_high=-0.8)
        assert choose(band, decade, years) == [("age_band", "18-24")]
        assert choose(decade, years) == [("birth_decade", "2000s")]
        assert choose(years) == [("age_years", "")]

    def test_each_heading_has_its_first_fact_before_any_has_its_second(self):
        facts = [make_fact(name, strength=1.0) for name in ("device", "source", "browser")]
        facts += [make_fact("country", strength=0.3)]
        assert [name for name, _ in choose(*facts, most=2)] == ["browser", "country"]
        assert len(choose(*facts)) == 3, "two under a heading"

    def test_headings_that_are_left_out_say_nothing(self):
        assert choose(make_fact("has_pets"), left_out=("family",)) == []


class TestHeadings:
    def test_every_feature_has_a_heading_and_the_plan_s_word_goes_first(self):
        assert find_heading("favourite_weekday") == "when"
        assert find_heading("stops_2") == "stops"
        assert find_heading("buying_role") == "decision"
        plan = Personas(headings={"decision": ["wine_spend"]})
        assert find_heading("wine_spend", plan) == "decision"

    def test_a_column_stands_under_one_heading(self):
        columns = [column for heading in HEADINGS for column in heading.columns]
        assert len(columns) == len(set(columns))
        assert find_group("category_share_wine") == find_group("favourite_category")

    def test_what_is_missed_says_what_would_tell(self):
        assert all(heading.tells for heading in HEADINGS if heading.whom)


class TestNames:
    def test_names_stay_while_the_order_changes_and_are_each_another(self):
        segments = [f"Segment {number}" for number in range(9)]
        names = give_names(segments)
        assert names == give_names(segments[::-1])
        assert len(set(names.values())) == 9
        assert set(names.values()) <= set(NAMES)

    def test_the_plan_s_name_is_taken_and_given_to_nobody_else(self):
        plan = Personas(names={"New": "Kim"})
        names = give_names(["Loyal", "New", "Old"], plan)
        assert names["New"] == "Kim"
        assert list(names.values()).count("Kim") == 1
        assert list_unused(["Loyal"], plan) == ["New"]

    def test_more_segments_than_names_is_an_error_with_the_line_to_write(self):
        with pytest.raises(SegkitError, match="names = "):
            give_names([f"s{number}" for number in range(len(NAMES) + 1)])

    @pytest.mark.parametrize("name", ["anna@shop.fi", "<b>Kim</b>", "", " ", "c001", "x" * 41])
    def test_an_address_or_a_tag_is_no_name(self, name):
        with pytest.raises(ValueError, match="name"):
            Personas(names={"Loyal": name})

    def test_a_name_is_given_once_and_a_column_has_one_heading(self):
        with pytest.raises(ValueError, match="two segments"):
            Personas(names={"Loyal": "Kim", "New": "kim"})
        with pytest.raises(ValueError, match="two headings"):
            Personas(headings={"work": ["role"], "decision": ["role"]})
        with pytest.raises(ValueError, match="most"):
            Personas(most=6)


class TestBlend:
    PEOPLE = pd.DataFrame(
        {
            "age_band": ["18-24"] * 50 + ["35-44"] * 50,
            "country": ["FI"] * 47 + ["EE"] * 50 + ["FI"] * 3,
            "has_pets": [True] * 20 + [None] * 80,
        }
    )

    def draw(self, *values, smallest_cell=5):
        facts = pd.DataFrame(
            [
                make_fact(feature, value, strength=strength, sentence="who")
                for feature, value, strength in values
            ]
        )
        told = blend_facts(facts, self.PEOPLE, smallest_cell=smallest_cell)
        return told.loc[told["sentence"] != "", "feature"].tolist()

    def test_a_picture_that_is_that_of_three_customers_loses_its_weakest_fact(self):
        # Of 18-24 and EE there are three.
        pair = [("age_band", "18-24", 0.3), ("country", "EE", 0.9)]
        assert self.draw(*pair) == ["country"]
        assert self.draw(*pair, smallest_cell=3) == ["age_band", "country"]

    def test_a_picture_of_nobody_or_of_many_stays(self):
        assert self.draw(("age_band", "18-24", 0.3), ("country", "FI", 0.9)) == [
            "age_band",
            "country",
        ]
        nobody = [("age_band", "35-44", 0.3), ("has_pets", "True", 0.9)]
        assert self.draw(*nobody) == ["age_band", "has_pets"]

    def test_one_sentence_of_few_is_one_too_many_though_the_whole_is_nobody_s(self):
        facts = pd.DataFrame(
            [
                make_fact("age_band", "18-24", strength=0.3, sentence="who"),
                make_fact("country", "EE", strength=0.9, sentence="who"),
                make_fact("has_pets", "no", strength=0.8, sentence="mind"),
            ]
        )
        told = blend_facts(facts, self.PEOPLE, smallest_cell=5)
        assert told["sentence"].tolist() == ["", "who", "mind"]

    def test_a_missing_value_matches_nothing(self):
        facts = pd.DataFrame([make_fact("has_pets", "None")])
        assert count_matches(self.PEOPLE, facts) == 0


def make_shop(count=300, *, random_state=7):
    """Return customers of three segments: A is young, urban and buys; B pays; C is like all."""
    rng = np.random.default_rng(random_state)
    segment = np.repeat([0, 1, 2], count)
    size = len(segment)
    young = rng.random(size) < np.where(segment == 0, 0.7, 0.25)
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{number:05}" for number in range(size)],
            "age_band": np.where(young, "18-24", "45-54"),
            "country": rng.choice(["FI", "EE"], size, p=[0.8, 0.2]),
            "favourite_channel": np.where(rng.random(size) < 0.5, "app", "store"),
            "order_count": rng.poisson(np.where(segment == 1, 9, 4)),
            "total_spend": rng.gamma(4, 25, size),
        }
    )
    segments = customers[["customer_id"]].assign(
        segment=segment, segment_name=np.array(["Young", "Keen", "Rest"])[segment]
    )
    return customers, segments


def draft(customers, segments, *, plan=None, is_account=False, chosen=None):
    """Return the published sizes, levels, profile and facts, and the personas drawn from them."""
    sized = publish(size_segments(customers, segments), sizes.SIZES)
    counts = sized.frame.set_index("segment_name")["customer_count"]

    def add(table):
        return table.assign(segment_count=table["segment_name"].map(counts))

    levels = publish(
        add(judge_levels(collect_descriptors(customers, segments))), descriptors.LEVELS
    )
    profile = publish(add(profile_segments(customers, segments)), differences.PROFILE)
    facts = list_facts({CUSTOMERS: levels.frame}, profile.frame, personas=plan)
    people = join_people(customers, customers[["customer_id"]], segments)
    drawn = draft_personas(
        chosen or list(sized.frame["segment_name"]),
        sized.frame,
        facts,
        people=people,
        plan=plan,
        is_account=is_account,
    )
    return sized, profile, drawn


# As much of a plan as the sheets ask for.
PLAN = SimpleNamespace(surveys=SimpleNamespace(reasons=()), list_labels=dict)


def tell(customers, segments, **options):
    """Return the personas by segment, and the sentences of each."""
    sized, profile, drawn = draft(customers, segments, **options)
    table = personas.list_told(drawn, profile, plan=PLAN)
    facts = publish(table, personas.FACTS)
    sheets = personas.list_sheets(drawn, sized, facts, profile=profile)
    texts = {
        persona.segment_name: [text.replace(THIN_SPACE, " ") for text in read_texts(told)]
        for persona, told in sheets
    }
    return drawn, facts, sheets, texts


class TestSheets:
    def test_a_sheet_says_what_sets_it_apart_what_does_not_and_what_nobody_knows(self):
        _, _, _, texts = tell(*make_shop(), plan=Personas(names={"Young": "Robin"}))
        young = texts["Young"]
        assert young[0].startswith("Robin, a name that is given and nobody's, is drawn from 300 ")
        assert young[1].startswith("Picture Robin among those aged 18-24 (")
        assert any(text.startswith("The picture is a blend") for text in young)
        alike = next(text for text in young if text.startswith("No different"))
        assert "place" in alike
        assert "channel and device" in alike
        unknown = next(text for text in young if text.startswith("Not known from the data"))
        assert "family (“household_type”" in unknown
        assert "decision power (a column of “customers”" in unknown
        assert "app" not in " ".join(young), "half of all buy by app"

    def test_a_segment_like_all_says_so_and_has_no_picture(self):
        drawn, _, sheets, texts = tell(*make_shop(), chosen=["Rest"])
        assert drawn[0].facts["figure"].empty or set(drawn[0].facts["heading"]) <= {"worth", "age"}
        assert not any("18-24" in text and "Picture" in text for text in texts["Rest"])
        assert len(sheets) == 1

    def test_every_figure_of_a_sentence_is_read_from_a_published_table(self):
        _, facts, sheets, _ = tell(*make_shop())
        for _, told in sheets:
            for finding in told:
                assert all(figure.cell is not None for figure in finding.figures)
        assert {"source", "index", "customer_count"} <= set(facts.frame)

    def test_a_firm_has_no_age_and_is_asked_who_decides(self):
        customers, segments = make_shop()
        drawn, _, _, texts = tell(customers, segments, is_account=True)
        young = {persona.segment_name: persona for persona in drawn}["Young"]
        assert young.whom == "firm"
        assert "age" not in set(young.facts["heading"])
        assert "deals (the table “deals”)" in " ".join(texts["Young"])

    def test_a_segment_of_businesses_is_a_firm(self):
        customers, segments = make_shop()
        business = customers.assign(
            customer_type=np.where(segments["segment"] == 0, "business", "consumer")
        )
        whom = {p.segment_name: p.whom for p in draft(business, segments)[2]}
        assert whom == {"Young": "firm", "Keen": "person", "Rest": "person"}

    def test_a_hidden_segment_is_not_described(self):
        customers, segments = make_shop(40)
        few = segments["segment_name"].where(segments.index >= 3, "Few")
        segments = segments.assign(
            segment_name=few, segment=segments["segment"].where(few != "Few", 3)
        )
        _, _, _, texts = tell(customers, segments, chosen=["Few", "Keen"])
        assert texts["Few"] == [
            "Not described: the segment has fewer than 5 customers, or would tell of so few."
        ]

    def test_an_unknown_segment_is_refused_with_the_nearest_name(self):
        with pytest.raises(SegkitError, match="Did you mean 'Young'"):
            draft(*make_shop(), chosen=["Yong"])

    def test_text_from_data_stays_text(self):
        customers, segments = make_shop()
        wrong = customers["age_band"].replace("18-24", "<script>alert(1)</script>")
        _, facts, _, _ = tell(customers.assign(age_band=wrong), segments)
        assert "aged <script>alert(1)</script>" in set(facts.frame["words"])

    def test_huge_values_and_columns_without_any_give_a_sheet(self):
        customers, segments = make_shop()
        odd = customers.assign(income=1e300, region=None, order_count=np.nan)
        drawn, _, _, _ = tell(odd, segments)
        assert len(drawn) == 3

    def test_every_fact_can_be_worked_out_again_from_the_customers(self):
        customers, segments = make_shop()
        customers.loc[::7, "age_band"] = None
        _, facts, _, _ = tell(customers, segments)
        people = customers.assign(segment=segments["segment_name"])
        assert len(facts.frame) >= 2
        for row in facts.frame.itertuples():
            if row.kind == "mean":
                claim = recompute_mean(people, row.segment_name, row.feature)
            else:
                claim = recompute_share(people, row.segment_name, row.feature, value=row.value)
            assert row.figure == pytest.approx(claim.figure)
            assert row.base_figure == pytest.approx(claim.base_figure)
            assert row.index == pytest.approx(claim.index)
            assert row.customer_count == claim.customer_count
            assert row.base_count == claim.base_count


class TestWhoHasOne:
    TARGETS = pd.DataFrame(
        {
            "segment_name": list("CABDEF"),
            "customer_count": [40, 50, 60, 70, 80, 90],
            "customer_share": 1 / 6,
            "attractiveness": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
            "fit": 0.5,
        }
    )

    def test_the_segments_that_the_criteria_rate_best_come_first_and_five_at_most(self):
        assert choose_segments(self.TARGETS) == list("CABDE")
        assert choose_segments(self.TARGETS, most=2) == ["C", "A"]
        assert choose_segments(empty_table(["segment_name"], "nothing")) == []

    def test_that_there_are_few_and_a_name_for_nobody_are_told(self):
        targets = publish(self.TARGETS, targeting.TARGETS)
        nothing = publish(empty_table(personas.SHEET_COLUMNS, "x"), personas.FACTS)
        plan = Personas(names={"Loyal": "Kim"})
        assert read_texts(persona_findings.state_choice(nothing, targets, plan)) == [
            "Of 6 segments that are rated, 0 have a persona: there are no three of which enough "
            "sets them apart.",
            "The plan gives the name Kim to a segment “Loyal”, and there is none.",
        ]

    def test_where_no_segment_is_rated_the_reason_is_told(self):
        targets = publish(empty_table(["segment_name"], "Nothing may be seen."), targeting.TARGETS)
        told = persona_findings.state_choice(targets, targets, None)
        assert read_texts(told) == ["Nothing may be seen."]


@pytest.mark.slow
def test_segments_drawn_by_lot_have_a_trait_in_few_shops():
    false = 0
    shops = 40
    for seed in range(shops):
        rng = np.random.default_rng(seed)
        customers, _ = make_shop(150, random_state=seed)
        for column in ("age_band", "country", "favourite_channel", "order_count"):
            customers[column] = rng.permutation(customers[column])
        lot = rng.integers(0, 3, len(customers))
        segments = customers[["customer_id"]].assign(
            segment=lot, segment_name=np.array(["A", "B", "C"])[lot]
        )
        _, _, drawn = draft(customers, segments)
        false += any(len(persona.facts) for persona in drawn)
    # Shares and means are corrected apart, each at 5 %, and must be of some size besides.
    assert false / shops <= 0.075


def test_every_fact_of_a_run_can_be_worked_out_again_and_names_no_customer(sample_shop):
    run = sample_shop / "runs" / "sample_shop"
    people = open_people(run, "persona_traits")
    facts = pd.read_parquet(run / "05_analysis" / "published" / "persona_facts.parquet")
    assert facts["segment_name"].nunique() >= 3
    assert {"customers", "persona_traits"} == set(facts["source"].str.partition(".")[0])
    for row in facts.itertuples():
        if row.kind == "mean":
            claim = recompute_mean(people, row.segment_name, row.feature)
        else:
            claim = recompute_share(
                people, row.segment_name, row.feature, value=row.value, is_of_known=row.is_of_known
            )
        assert row.figure == pytest.approx(claim.figure), row
        assert row.base_figure == pytest.approx(claim.base_figure), row
        assert row.customer_count == claim.customer_count, row
        assert row.base_count == claim.base_count, row
        assert row.customer_count >= 5
    texts = " ".join(
        finding["text"]
        for finding in json.loads((run / "05_analysis" / "facts.json").read_text("utf-8"))[
            "persona"
        ]
    )
    assert "a name that is given" in texts
    assert not any(str(name) in texts for name in people["customer_id"])


def test_descriptors_are_counted_from_the_customer_table_and_small_cells_hidden():
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(20)],
            "country": ["FI"] * 10 + ["SE"] * 10,
            "has_loyalty_card": [True] * 6 + [False] * 14,
            "total_spend": range(20),
        }
    )
    segments = customers[["customer_id"]].assign(
        segment=[0] * 10 + [1] * 10, segment_name=["Loyal"] * 10 + ["Rare"] * 10
    )
    table = publish(collect_descriptors(customers, segments), descriptors.LEVELS).frame
    assert set(table["descriptor"]) == {"country", "has_loyalty_card"}
    card = table[table["descriptor"] == "has_loyalty_card"].set_index(["segment_name", "value"])
    assert pd.isna(card.loc[("Loyal", "False"), "customer_count"]), "four customers are hidden"


def test_customers_without_descriptors_give_empty_tables():
    customers = pd.DataFrame({"customer_id": list("abcdefgh"), "wish_count": range(8)})
    segments = customers[["customer_id"]].assign(segment=[0] * 4 + [1] * 4, segment_name="All")
    levels = judge_levels(collect_descriptors(customers, segments), made_by=["wish_count"])
    assert rank_descriptors(levels).empty
    shown = publish(levels, descriptors.LEVELS)
    assert descriptors.list_levels(shown, count=3).empty
    assert descriptors.choose_first(publish(rank_descriptors(levels), descriptors.RANKED)) == ""
