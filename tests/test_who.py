"""Who is in a scheme: buyers, or everybody whom the tables know."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish
from shops import AS_OF, make_tables

from segkit.features.customer_table import CustomerTable, build_customers, build_customers_of
from segkit.features.habits import Habits
from segkit.features.who import WITH_ORDER, WITHOUT_ORDER, asks_everybody, count_who
from segkit.plan.models import Criteria, NamedRule, Scheme
from segkit.profiles.who import LEFT_OUT, PLACED, count_placed
from segkit.report import who as report
from segkit.segmentation.documents import fit_segmentation, read_segmentation
from segkit.segmentation.members import assign_schemes
from segkit.validation.candidates import bound_candidate, rate_confidence
from segkit.validation.populations import check_populations, choose_people, compare_populations

LEADS = Scheme(
    name="leads",
    goal="grow",
    base="journey",
    method="rules",
    who="everybody",
    rules=(NamedRule(name="Leads", when="order_count = 0"), NamedRule(name="Buyers", when="true")),
)
TIERS = Scheme(
    name="tiers", goal="keep", base="value", method="tiers", columns=("total_spend",), segments=2
)
SEEDS = {"as_of": AS_OF, "random_state": 0}


@pytest.fixture(scope="module")
def built() -> CustomerTable:
    return build_customers(make_tables(), as_of=AS_OF, everybody=True)


def make_built(buyer_count: int, lead_count: int) -> CustomerTable:
    rng = np.random.default_rng(0)
    orders = np.repeat([0, 3], [lead_count, buyer_count])
    spend = np.where(orders > 0, rng.lognormal(4, 0.5, len(orders)), 0.0)
    names = [f"c{n:04d}" for n in range(len(orders))]
    people = pd.DataFrame({"customer_id": names, "order_count": orders, "total_spend": spend})
    buyers = people[people["order_count"] > 0].reset_index(drop=True)
    return CustomerTable(buyers, Habits(), lead_count, "", everybody=people)


class TestTable:
    @pytest.mark.slow
    def test_everybody_is_every_buyer_and_who_never_bought(self, built):
        alone = build_customers(make_tables(), as_of=AS_OF).frame
        pd.testing.assert_frame_equal(built.frame, alone)
        ids = set(built.everybody["customer_id"])
        assert set(alone["customer_id"]) < ids
        assert {"gus"} <= ids - set(alone["customer_id"])
        assert built.everybody["customer_id"].is_unique

    @pytest.mark.slow
    def test_counts_and_sums_of_no_orders_are_zero_and_the_rest_is_unknown(self, built):
        gus = built.everybody.set_index("customer_id").loc["gus"]
        zeros = ["order_count", "order_count_last_90_days", "total_spend", "spend_last_30_days"]
        assert gus[[*zeros, "product_count", "category_count"]].tolist() == [0] * 6
        unknown = ["recency_days", "tenure_days", "mean_order_value", "favourite_category"]
        assert gus[[*unknown, "return_share", "lifetime_value"]].isna().all()
        assert gus["journey_stage"] == "never bought"
        assert gus["country"] == "FI", "what is known of him stays"

    def test_without_orders_there_is_one_table_of_all(self):
        tables = {name: table for name, table in make_tables().items() if name != "order_lines"}
        found = build_customers(tables, as_of=AS_OF, everybody=True)
        assert found.choose("everybody") is found.choose("buyers") is found.frame

    @pytest.mark.slow
    def test_a_scheme_gets_its_own_customers(self, built):
        assert asks_everybody([TIERS, LEADS])
        assert not asks_everybody([TIERS])
        tables = make_tables()
        assert len(build_customers_of(LEADS, tables, as_of=AS_OF)) == len(built.everybody)
        assert len(build_customers_of(TIERS, tables, as_of=AS_OF)) == len(built.frame)


class TestCount:
    @pytest.mark.slow
    def test_all_are_counted_with_and_without_an_order(self, built):
        found = count_who(make_tables(), as_of=AS_OF).set_index("who")["customer_count"]
        assert found[WITH_ORDER] == len(built.frame)
        assert found.sum() == len(built.everybody)

    def test_who_only_sent_goods_back_is_without_an_order(self):
        lines = {
            "customer_id": ["a", "b", None],
            "order_id": ["1", "2", "3"],
            "ordered_at": pd.to_datetime(["2026-01-01"] * 3),
            "line_type": ["sale", "return", "sale"],
        }
        found = count_who({"order_lines": ibis.memtable(pd.DataFrame(lines))}, as_of=AS_OF)
        assert found["customer_count"].tolist() == [1, 1]

    def test_without_orders_nobody_is_left_out(self):
        found = count_who({}, as_of=AS_OF)
        assert found.empty
        places = count_placed(pd.DataFrame({"segment": [1, 2, None]}), found)
        assert places["customer_count"].tolist() == [2, 0]


class TestRun:
    @pytest.fixture(scope="class")
    def compared(self):
        made = make_built(60, 90)
        options = SEEDS | {"pairs": 4}
        return made, compare_populations(made, [TIERS, LEADS], Criteria(), **options)

    def test_each_scheme_is_fitted_to_its_own_customers(self, compared):
        made, found = compared
        assert found.table["scheme"].tolist() == ["tiers", "leads"]
        assert found.segmentations["tiers", 2].customer_count == 60
        leads = found.segmentations["leads", 2]
        sizes = {segment.name: segment.customer_count for segment in leads.segments}
        assert sizes == {"Leads": 90, "Buyers": 60}
        assert found.customer_count == 150
        gates = check_populations(made, [TIERS, LEADS])
        assert gates.empty or set(gates["customer_count"]) <= {60, 150}

    def test_intervals_and_confidence_are_of_the_scheme_s_own_customers(self, compared):
        _, found = compared
        assert len(rate_confidence(found, "tiers", 2)) == 60
        assert len(rate_confidence(found, "leads", 2)) == 150
        shares = bound_candidate(found, "leads", 2)["customer_share"]
        assert shares.tolist() == pytest.approx([0.6, 0.4])

    def test_everybody_is_placed_by_the_document_too(self, compared, tmp_path):
        made, found = compared
        people = choose_people(made, [TIERS, LEADS])
        own = {"tiers": found.segmentations["tiers", 2], "leads": found.segmentations["leads", 2]}
        placed = assign_schemes(people, own).groupby("scheme").size()
        assert placed.to_dict() == {"leads": 150, "tiers": 60}
        own["leads"].write_json(tmp_path / "leads.json")
        again = read_segmentation(tmp_path / "leads.json")
        newcomer = pd.DataFrame({"customer_id": ["z"], "order_count": [0]})
        assert again.assign(newcomer)["segment_name"].tolist() == ["Leads"]

    def test_schemes_of_buyers_alone_are_compared_as_ever(self):
        made = make_built(60, 90)
        found = compare_populations(made, [TIERS], Criteria(), **SEEDS, pairs=4)
        assert found.customer_count == 60
        assert found.parts == {}

    def test_what_cannot_be_fitted_to_its_people_is_refused_beside_the_rest(self):
        made = make_built(8, 90)
        found = compare_populations(made, [TIERS, LEADS], Criteria(), **SEEDS, pairs=4)
        assert found.refused["scheme"].tolist() == ["tiers"]
        assert found.table["scheme"].tolist() == ["leads"]

    def test_found_segments_may_be_of_everybody(self):
        made = make_built(60, 90)
        scheme = Scheme(
            name="found",
            goal="grow",
            base="value",
            method="kmeans",
            who="everybody",
            columns=("order_count", "total_spend"),
        )
        customers = made.choose(scheme.who)
        _, labels = fit_segmentation(customers, scheme, n_segments=2, **SEEDS)
        assert pd.crosstab(labels, customers["order_count"]).to_numpy().min() == 0


class TestReport:
    def publish_known(self, counts: list[int]):
        frame = pd.DataFrame({"who": [WITH_ORDER, WITHOUT_ORDER], "customer_count": counts})
        return publish(frame, report.KNOWN)

    def publish_places(self, counts: list[int]):
        frame = pd.DataFrame({"place": [PLACED, LEFT_OUT], "customer_count": counts})
        return publish(frame, report.PLACES)

    def test_whom_every_scheme_leaves_out_is_said_with_the_line_to_write(self):
        (told,) = report.state_known(self.publish_known([901, 2496]), [TIERS])
        assert "901" in told.text
        assert 'who = "everybody"' in told.text
        (some,) = report.state_known(self.publish_known([901, 2496]), [TIERS, LEADS])
        assert "in leads only" in some.text
        (every,) = report.state_known(self.publish_known([901, 2496]), [LEADS])
        assert "takes them in" in every.text

    def test_nothing_is_said_where_nobody_is_left_out_or_so_few_that_they_are_hidden(self):
        assert report.state_known(self.publish_known([901, 0]), [TIERS]) == []
        assert report.state_known(self.publish_known([901, 3]), [TIERS]) == []
        assert report.state_places(self.publish_places([901, 3])) == []
        assert report.list_headline(self.publish_places([901, 3])) == {}

    def test_the_first_page_says_of_how_many_the_segments_are(self):
        (card,) = report.list_headline(self.publish_places([901, 2496])).values()
        assert card.text.replace("\N{NARROW NO-BREAK SPACE}", "") == "901 of 3397"
        (every,) = report.list_headline(self.publish_places([901, 0])).values()
        assert every.text == "all 901"
        (told,) = report.state_places(self.publish_places([901, 2496]))
        assert "are left out, for they have no order" in told.text
