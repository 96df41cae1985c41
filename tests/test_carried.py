"""An extreme is told as far as it stands without two customers, with its count and interval."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish, read_texts

from segkit.core.carried import (
    bound_counted_without_two,
    bound_share_without_two,
    bound_without_two,
    is_changed,
)
from segkit.core.findings import Finding, read_findings
from segkit.core.skewed_means import bound_ratio
from segkit.evidence.experience.engagement import summarise_events_by_segment
from segkit.evidence.experience.spend import summarise_spend_by_segment
from segkit.evidence.experience.support import open_tickets, summarise_tickets_by_segment
from segkit.evidence.market.penetration import total_penetration
from segkit.profiles.base_summaries import summarise_base
from segkit.profiles.segment_profiles import profile_segments
from segkit.report import (
    bases,
    by_segment,
    customer_base,
    descriptors,
    differences,
    engagement,
    persona_findings,
    reach,
    spend,
    stability,
    support,
)
from segkit.report.market import penetration, white_space
from segkit.report.shared.finding_rules.twice import has_other_words
from segkit.report.shared.numbers import (
    MISSING,
    THIN_SPACE,
    format_large,
    format_money,
    format_number,
    format_points,
    format_share,
    format_small_share,
)

AS_OF = datetime.date(2026, 6, 30)
PEOPLE = 40
NAMES = ["Loyal", "Promising", "Lost"]
SEGMENTS = pd.DataFrame(
    {
        "customer_id": [f"{name}{i:02}" for name in NAMES for i in range(PEOPLE)],
        "segment_name": np.repeat(NAMES, PEOPLE),
    }
)


def tell(findings: list) -> str:
    return " ".join(read_texts(findings)).replace(THIN_SPACE, " ")


def make_lines(extra: list[tuple[str, str, float]] = ()) -> ibis.Table:
    """Return a sale of each customer, and a small return of every fourth; ``extra`` is added."""
    amounts = {"Loyal": 90.0, "Promising": 50.0, "Lost": 20.0}
    rows = []
    for number, row in enumerate(SEGMENTS.itertuples()):
        amount = amounts[row.segment_name] * (1 + number % 5 / 10)
        rows.append((row.customer_id, "sale", amount))
        if number % 4 == 0:
            share = {"Loyal": 0.2, "Promising": 0.02, "Lost": 0.1}[row.segment_name]
            rows.append((row.customer_id, "return", -share * amount))
    frame = pd.DataFrame([*rows, *extra], columns=["customer_id", "line_type", "line_amount"])
    frame["order_id"] = [f"o{number}" for number in range(len(frame))]
    frame["ordered_at"] = pd.Timestamp("2026-03-01")
    return ibis.memtable(frame)


def publish_spend(extra: list[tuple[str, str, float]] = ()):
    table = summarise_spend_by_segment(make_lines(extra), SEGMENTS, as_of=AS_OF)
    return publish(table, spend.SPEND)


def find_measure(findings: list, start: str):
    (finding,) = [finding for finding in findings if finding.text.startswith(start)]
    return finding


def test_a_share_returned_that_stands_names_its_segments_with_count_and_interval():
    found = find_measure(spend.state_spend(publish_spend()), "Share of gross sales returned")
    assert "highest in “Loyal” (" in found.text
    assert "lowest in “Promising” (" in found.text
    assert found.text.count("n = 40") == 2
    assert "their intervals do not overlap" in found.text
    assert [figure.carried for figure in found.figures[:2]] == [False, False]
    top = found.figures[0]
    assert top.low < top.value < top.high


def test_one_customer_who_bought_and_sent_back_a_fortune_makes_no_segment_the_highest():
    fortune = [("Promising07", "sale", 30_000.0), ("Promising07", "return", -29_000.0)]
    found = find_measure(spend.state_spend(publish_spend(fortune)), "Share of gross sales returned")
    assert "Promising" not in found.text
    assert "highest" in found.text
    assert "hang on one or two customers" in found.text.replace("hangs", "hang")
    assert found.figures[0].carried


def test_nor_does_one_large_order_decide_where_the_mean_order_is_lowest_or_highest():
    found = find_measure(spend.state_spend(publish_spend()), "Mean order value")
    assert "highest in “Loyal”" in found.text
    large = publish_spend([("Lost03", "sale", 3_000.0)])
    found = find_measure(spend.state_spend(large), "Mean order value")
    assert "lowest in “Promising”" not in found.text  # without the one order it is Lost
    assert "hang" in found.text


def test_an_extreme_that_stays_one_says_that_two_customers_change_it():
    large = publish_spend([("Loyal03", "sale", 4_000.0)])
    found = find_measure(spend.state_spend(large), "Net spend a customer")
    assert "highest in “Loyal”" in found.text
    assert "two customers change it by more than a fifth" in found.text
    assert found.figures[0].carried
    most = spend.state_spend(large)[0]
    assert "two of its 40 customers change that share by more than a fifth" in most.text
    larger = publish_spend([("Loyal03", "sale", 40_000.0)])
    assert not any(
        finding.kind == "spend.segments.brings_most" for finding in spend.state_spend(larger)
    )


def test_what_is_left_without_two_customers_never_leaves_the_gate():
    shown = publish_spend()
    assert not [name for name in shown.frame if name.endswith(("_floor", "_ceiling"))]
    assert "floor" not in repr(shown)
    assert not shown.records["measure"].str.contains("floor|ceiling").any()
    text = str([finding.to_record() for finding in spend.state_spend(shown)])
    assert "floor" not in text


def test_visits_of_one_customer_make_no_segment_the_busiest():
    rows = [(row.customer_id, "visit") for row in SEGMENTS.itertuples()]
    rows += [("Lost00", "visit")] * 200
    frame = pd.DataFrame(rows, columns=["customer_id", "event_type"])
    table = summarise_events_by_segment(ibis.memtable(frame), SEGMENTS)
    assert table["visits_per_customer_floor"].tolist() == [1.0, 1.0, 1.0]
    found = by_segment.state_measures(publish(table, by_segment.SEGMENT_SIZES))
    visits = find_measure(found, "Visits a customer")
    assert "Lost" not in visits.text
    assert "hangs on one or two customers" in visits.text


def test_tickets_of_one_customer_decide_no_median():
    moments = pd.Timestamp("2026-03-01")
    rows = [
        (row.customer_id, moments, moments + pd.Timedelta(hours=5 + number % 7))
        for number, row in enumerate(SEGMENTS.itertuples())
    ]
    rows += [("Lost00", moments, moments + pd.Timedelta(hours=90))] * 45
    tickets = pd.DataFrame(rows, columns=["customer_id", "opened_at", "resolved_at"])
    tickets["ticket_id"] = [f"t{number}" for number in range(len(tickets))]
    tables = {"tickets": ibis.memtable(tickets)}
    table = summarise_tickets_by_segment(open_tickets(tables, as_of=AS_OF), SEGMENTS)
    hours = find_measure(
        by_segment.state_measures(publish(table, support.TICKETS)), "Median hours to resolve"
    )
    assert "highest in “Lost”" not in hours.text
    assert "hang" in hours.text
    known = table[table["segment_name"] == "Loyal"].iloc[0]
    assert known["median_hours_to_resolve_low"] <= known["median_hours_to_resolve"]
    assert known["median_hours_to_resolve"] <= known["median_hours_to_resolve_high"]


def make_measures(**columns) -> pd.DataFrame:
    sizes = {"segment_name": ["Long gone", "New"], "customer_count": [50, 40]}
    return pd.DataFrame({**sizes, "rests_on_count": [50, 40], **columns})


def test_what_is_recorded_of_nobody_is_told_as_not_recorded():
    table = make_measures(visits_per_customer=[1.0, 1.0], carts_per_customer=[0.0, 0.0])
    visits, carts = by_segment.state_measures(publish(table, engagement.EVENTS))
    assert "alike in all segments that are shown, 1" in visits.text
    assert carts.text.endswith("none is recorded of anybody in the segments that are shown.")


@pytest.mark.parametrize("values", [[0.0, 0.0], [0.001, 0.002], [-0.0, 0.0]])
def test_what_is_written_alike_has_no_highest_and_no_lowest(values):
    table = make_measures(spend_per_customer=values)
    (found,) = by_segment.state_measures(publish(table, spend.SPEND))
    assert found.text.replace(THIN_SPACE, " ") == (
        "Net spend a customer, all time: alike in all segments that are shown, EUR 0.00."
    )


def test_segments_that_share_an_end_are_named_together():
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C"],
            "customer_count": [50, 40, 30],
            "rests_on_count": [50, 40, 30],
            "return_share": [0.2, 0.2, 0.1],
        }
    )
    text = tell(by_segment.state_measures(publish(table, spend.SPEND)))
    assert "highest in “A” and “B” (20.0% each, n = 90)" in text


def test_an_interval_that_is_not_known_is_left_out():
    table = make_measures(
        spend_per_customer=[10.0, 4.0],
        spend_per_customer_low=[np.nan, 3.0],
        spend_per_customer_high=[np.inf, 5.0],
    )
    text = tell(by_segment.state_measures(publish(table, spend.SPEND)))
    assert "highest in “Long gone” (EUR 10.00, interval not known, n = 50)" in text
    assert "inf" not in text
    assert "overlap" not in text


def make_countries(netherlands: list[float]) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    base = {"United Kingdom": (400, 100.0), "Germany": (90, 150.0), "France": (80, 60.0)}
    rows = [
        (country, mean * value)
        for country, (count, mean) in base.items()
        for value in rng.gamma(4.0, 0.25, count)
    ]
    rows += [("Netherlands", value) for value in netherlands]
    table = pd.DataFrame(rows, columns=["country", "total_spend"])
    return table.assign(customer_id=[f"c{number}" for number in range(len(table))])


def state_countries(netherlands: list[float]) -> str:
    table = summarise_base(make_countries(netherlands), "geographic")
    return tell(bases.state_base(publish(table, bases.BASE)))


def test_a_level_that_rests_on_few_is_told_beside_the_one_that_is_sure():
    text = state_countries([50.0] * 11 + [1_500.0, 1_500.0])
    assert "most among those in the country Germany (index " in text
    assert "though a higher one rests on few: among those in the country Netherlands (" in text
    assert "n = 13)" in text
    text = state_countries([900.0 + number for number in range(20)])
    assert "most among those in the country Netherlands (index " in text
    assert "rests on few" not in text


def test_all_others_can_bring_most():
    rng = np.random.default_rng(1)
    small = [(f"land {n}", value) for n in range(30) for value in rng.gamma(4.0, 100.0, 2)]
    others = pd.DataFrame(small, columns=["country", "total_spend"])
    others["customer_id"] = [f"o{number}" for number in range(len(others))]
    table = pd.concat([make_countries([100.0] * 10), others], ignore_index=True)
    base = publish(summarise_base(table, "geographic"), bases.BASE)
    assert "most among those with any other country (index " in tell(bases.state_base(base))


def test_groups_as_large_as_each_other_are_named_together():
    countries = ["FI"] * 30 + ["SE"] * 30 + ["NO"] * 15
    table = pd.DataFrame({"customer_id": range(75), "country": countries})
    text = tell(bases.state_base(publish(summarise_base(table, "geographic"), bases.BASE)))
    assert text == (
        "The largest groups, 40.0% of customers each: those in the country FI or those in the "
        "country SE."
    )


def test_numbers_that_cannot_be_cut_are_any_value_and_not_up_to_inf():
    counts = [0.0] * 396 + [3.0, 4.0, 5.0, 9.0]
    table = pd.DataFrame({"customer_id": range(400), "order_count": counts})
    levels = summarise_base(table, "behavioural")["level"]
    assert not levels.str.contains("inf").any()
    assert "any value" in set(levels)


def make_share(**columns) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "cell": ["Norway", "Sweden", "Malta"],
            "country": ["Norway", "Sweden", "Malta"],
            "category": "",
            "matched": "both",
            "measure": "buyer_count",
            "market_value": np.nan,
            "buyer_count": [5000.0, 9000.0, 100.0],
            "growth_rate": 0.1,
            "customer_count": [400, 300, 12],
            "spend": [9.0, 9.0, 9.0],
            "share": [0.08, 0.033, 0.12],
            "index": [158.0, 66.0, 237.0],
            "index_low": [143.0, 59.0, 95.0],
            "index_high": [174.0, 74.0, 413.0],
            "source": "Bureau",
            "year": pd.array([2025] * 3, dtype="Int64"),
            "served": "like our average",
            "mark": "",
            **columns,
        }
    )
    return table.assign(size=table["buyer_count"], rests_on_count=table["customer_count"])


def test_our_share_is_highest_where_the_interval_leaves_out_the_average():
    table = make_share()
    totals = publish(total_penetration(table), penetration.PENETRATION_TOTALS)
    shown = publish(table, penetration.view_penetration(table))
    text = tell(penetration.state_penetration(shown, totals))
    assert (
        "our share is highest in Norway (index 158, 143 to 174, n = 400), though a higher one "
        "rests on few: in Malta (237, n = 12); lowest in Sweden (index 66, 59 to 74, n = 300)"
    ) in text


def test_no_segment_is_the_hardest_to_find_where_all_are_found():
    from test_told_apart import make_accuracies

    def state(recall: list[float]) -> list[str]:
        table = pd.DataFrame({"segment_name": ["A", "B", "C"], "customer_count": [50, 40, 30]})
        table = table.assign(tested_count=[50, 40, 30], segment_count=[50, 40, 30], recall=recall)
        table = table.assign(recall_low=0.0, recall_high=1.0)
        shown = publish(table, reach.PLACED)
        return read_texts(reach.state_reach(shown, make_accuracies(largest_count=50), by="age"))

    assert len(state([1.0, 1.0, 1.0])) == 1
    assert "hardest to find are B and C: 0.0%" in state([0.9, 0.0, 0.0])[1]


def test_two_customers_who_bring_a_fifth_of_the_top_are_told():
    from segkit.profiles.concentration import measure_concentration

    amounts = np.concatenate([np.linspace(1, 60, 1990), [60.0] * 8, [4_000.0, 3_000.0]])
    customers = pd.DataFrame({"customer_id": range(2000), "total_spend": amounts})
    for value, by_few in ((amounts, True), (np.minimum(amounts, 80.0), False)):
        _, parts = measure_concentration(customers.assign(total_spend=value), "total_spend")
        shown = publish(parts, customer_base.CONCENTRATION)
        text = read_texts(customer_base.state_concentration(shown, value_name="spend"))[0]
        assert ("two customers bring more than a fifth" in text) == by_few


def test_a_figure_keeps_in_the_record_whether_it_is_carried():
    found = spend.state_spend(publish_spend())
    again = read_findings([finding.to_record() for finding in found])
    assert [[f.carried for f in finding.figures] for finding in again] == [
        [f.carried for f in finding.figures] for finding in found
    ]
    old = found[0].to_record()
    for figure in old["figures"]:
        del figure["carried"]
    assert read_findings([old])[0].figures[0].carried is None


def test_no_zero_is_written_with_a_sign():
    assert format_share(-0.0001) == "0.0%"
    assert format_points(-0.0001) == "0.0"
    assert format_money(-0.001, "EUR").endswith("\u202f0.00")


def test_what_is_not_finite_is_no_figure():
    for write in (format_large, format_money, format_number, format_share, format_small_share):
        for value in (np.inf, -np.inf, np.nan):
            assert write(value) == MISSING
    table = make_measures(spend_per_customer=[np.inf, 4.0])
    shown = publish(table, spend.SPEND)
    figure = shown.read_figure("spend_per_customer", where={"segment_name": "Long gone"})
    assert figure.value is None


def test_no_level_is_called_minus_zero():
    table = pd.DataFrame({"customer_id": range(60), "order_count": [-0.0] * 30 + [2.0] * 30})
    assert "-0" not in set(summarise_base(table, "behavioural")["level"])


@given(st.lists(st.floats(0, 1000), min_size=3, max_size=12))
def test_the_mean_without_two_is_the_least_and_the_most_of_all_pairs(values):
    amounts = np.array(values)
    low, high = bound_without_two(amounts)
    pairs = [
        np.delete(amounts, [one, other]).mean()
        for one in range(len(amounts))
        for other in range(one)
    ]
    assert low == pytest.approx(min(*pairs, amounts.mean()))
    assert high == pytest.approx(max(*pairs, amounts.mean()))


def test_nothing_left_without_two_is_another_figure():
    assert np.isnan(bound_without_two(np.array([5.0, 6.0]))).all()
    assert is_changed(5.5, np.nan)
    assert np.isnan(bound_ratio(np.array([1.0]))).all()
    assert bound_share_without_two(np.array([5.0, 5, 5]), 15.0) == (1.0, 1.0)
    floor, ceiling = bound_counted_without_two(np.array([2]), np.array([12]))
    assert (floor[0], ceiling[0]) == (0.0, 0.2)


def test_columns_that_segments_hang_on_alike_are_not_told_apart():
    left_out = pd.DataFrame({"column": ["age_years", "order_count"], "agreement": [0.536, 0.538]})
    assert not stability.state_columns(publish(left_out, stability.LEFT_OUT))
    left_out["agreement"] = [0.536, 0.549]
    assert len(stability.state_columns(publish(left_out, stability.LEFT_OUT))) == 1


def test_descriptors_that_go_as_far_as_each_other_are_named_together():
    def state(*strengths: float, sure_count: int = 2) -> str:
        names = ["country", "device", "channel", "city"][: len(strengths)]
        table = pd.DataFrame({"descriptor": names, "cramers_v": strengths})
        table["set_apart_count"] = sure_count
        ranked = publish(table, descriptors.RANKED)
        return tell(descriptors.state_descriptors(ranked, ranked))

    assert "Country goes furthest with the segments (Cramer's V 0.52)" in state(0.52, 0.31)
    assert "Country and device go furthest with the segments" in state(0.521, 0.519)
    assert state(0.5, 0.5, 0.5, 0.5).startswith("No descriptor goes further")
    assert state(0.08, 0.03, sure_count=0) == (
        "No descriptor goes with the segments further than chance would have it: over all "
        "descriptors 0 differences hold after the correction. Nearest to it: country (Cramer's V "
        "0.08)."
    )


def test_no_cell_is_nearest_to_white_space_where_two_are():
    table = pd.DataFrame(
        {
            "cell": ["Tents (NO)", "Pans (SE)"],
            "country": ["NO", "SE"],
            "category": ["Tents", "Pans"],
            "measure": "market_value",
            "size": [2e6, 1e6],
            "white_space": False,
            "status": "no",
            "fails_on": ["large", "growing"],
            "opportunity": [1.0, 2.0],
            "rival_share": 0.1,
            "source": "Bureau",
            "rests_on_count": [40, 40],
        }
    )
    shown = publish(table, white_space.view_white_space(table))
    assert tell(white_space.state_white_space(shown)) == (
        "None of 2 cells is white space, and none comes nearer to it than all others."
    )


def test_features_that_are_known_as_seldom_are_named_together():
    table = pd.DataFrame(
        {
            "customer_id": range(40),
            "country": ["FI"] * 10 + ["SE"] * 10 + [None] * 20,
            "city": ["Turku"] * 10 + ["Lund"] * 10 + [None] * 20,
        }
    )
    text = tell(bases.state_base(publish(summarise_base(table, "geographic"), bases.BASE)))
    assert "country and city, told of 50.0%" in text or "city and country, told of 50.0%" in text


@pytest.mark.slow
@pytest.mark.parametrize(("largest", "by_few"), [(12.0, False), (200.0, True)])
def test_a_mean_of_a_persona_says_where_two_customers_make_it(largest, by_few):
    amounts = np.repeat([10.0, 2.0], 40) + np.tile([0.0, 1.0], 40)
    amounts[0] = largest
    customers = pd.DataFrame({"customer_id": [f"c{n:02}" for n in range(80)]})
    customers["visit_count"] = amounts
    segments = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "segment": np.repeat([1, 2], 40),
            "segment_name": np.repeat(["Keen", "Rest"], 40),
        }
    )
    profile = profile_segments(customers, segments)
    profile = profile.assign(segment_count=40, base_count=80)
    shown = publish(profile, differences.PROFILE)
    told = tell([persona_findings.state_mean("Keen", "visit_count", shown)])
    assert "on average, against" in told
    assert ("two of these change it by more than a fifth" in told) == by_few


def test_a_sentence_and_its_variant_of_several_are_told_apart_by_their_words():
    one = Finding("reach.reach.hardest", "By age, hardest to find is A: 10%.")
    other = Finding("reach.reach.hardest_of_several", "By city, hardest to find are A and B: 0%.")
    assert has_other_words(one, other)
    assert not has_other_words(one, Finding("reach.quiz.one", other.text))
