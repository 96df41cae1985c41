"""Recommendations: rankings by hand, judged by hand, and what must never be on a list."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from segkit.action.recommendations import choosing, judging, neighbours
from segkit.action.recommendations.choosing import choose_days, choose_settings, list_settings
from segkit.action.recommendations.interactions import (
    collect_interactions,
    fetch_interactions,
    summarise_history,
)
from segkit.action.recommendations.judging import Truth, bound_mean, find_truth
from segkit.action.recommendations.lists import (
    BOUGHT,
    BY_ALL,
    BY_SEGMENT,
    NO_LIST,
    count_lists,
    prepare_lists,
)
from segkit.action.recommendations.model import AGAIN, ALL, NEW, Setting, fit_model
from segkit.action.recommendations.neighbours import find_neighbours, share_out
from segkit.plan.recommendations import Recommendations

AS_OF = datetime.date(2026, 3, 31)
OWN = Setting("own", own=1.0, popular=0.0)
POPULAR = Setting("popular", popular=1.0)


def make_interactions(*rows):
    """Return interactions of (customer, product, days ago)."""
    return collect_interactions(pd.DataFrame(rows, columns=["customer_id", "product_id", "age"]))


def draw_interactions(customers=60, products=25, rows=600, seed=0):
    """Return purchases of customers who each keep to a third of the products, popular ones more."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    what = (rng.beta(1, 3, rows) * products).astype(int) // 3 * 3 + who % 3
    table = pd.DataFrame(
        {
            "customer_id": [f"c{one:03}" for one in who],
            "product_id": [f"p{one:03}" for one in np.minimum(what, products - 1)],
            "age": rng.integers(0, 200, rows),
        }
    )
    return collect_interactions(table)


def name_lists(model, customers, setting, *, kind, count=3):
    """Return the names of the products listed for each customer, by their names."""
    places = model.known.customers.get_indexer(customers)
    found, _ = model.rank(places, setting, kind=kind, count=count)
    return [[model.known.products[one] for one in row if one >= 0] for row in found]


def make_lines(rows):
    """Return order lines of (customer, product, day, line type) in the engine."""
    table = pd.DataFrame(rows, columns=["customer_id", "product_id", "ordered_at", "line_type"])
    table["ordered_at"] = pd.to_datetime(table["ordered_at"], format="ISO8601")
    return ibis.memtable(table)


class TestInteractions:
    def test_a_day_counts_once_and_returns_and_later_days_do_not(self):
        lines = make_lines(
            [
                ("b", "y", "2026-03-31 23:00", "sale"),
                ("a", "x", "2026-03-01 08:00", "sale"),
                ("a", "x", "2026-03-01 20:00", "sale"),
                ("a", "x", "2026-03-30", "sale"),
                ("a", "z", "2026-03-30", "return"),
                ("a", "z", "2026-04-01", "sale"),
                (None, "x", "2026-03-30", "sale"),
            ]
        )
        found = fetch_interactions({"order_lines": lines}, as_of=AS_OF)
        assert list(found.customers) == ["a", "b"]
        assert list(found.products) == ["x", "y"]
        assert found.customer.tolist() == [0, 0, 1]
        assert found.product.tolist() == [0, 0, 1]
        assert found.age.tolist() == [1, 30, 0]

    def test_an_order_that_was_taken_back_whole_is_none(self):
        lines = make_lines([("a", "x", "2026-03-01", "sale"), ("a", "y", "2026-03-01", "sale")])
        back = ibis.cases((lines.product_id == "x", ibis.timestamp("2026-03-02 10:00:00")))
        found = fetch_interactions({"order_lines": lines.mutate(taken_back_at=back)}, as_of=AS_OF)
        assert list(found.products) == ["y"]

    def test_without_the_columns_nothing_is_known(self):
        assert fetch_interactions({}, as_of=AS_OF) is None
        lines = make_lines([("a", "x", "2026-03-01", "sale")]).drop("customer_id")
        assert fetch_interactions({"order_lines": lines}, as_of=AS_OF) is None

    def test_what_is_asked_to_be_left_out_is_marked_bought_or_not(self):
        known = make_interactions(("a", "x", 1), ("b", "y", 2))
        history = summarise_history(known, np.array([[0, 0], [1, 0], [1, 0]]))
        assert history.products.tolist() == [0, 0, 1]
        assert history.day_counts.tolist() == [1, 0, 1]
        assert history.is_left_out.tolist() == [True, True, False]

    def test_a_split_counts_ages_from_its_own_last_day(self):
        known, later = make_interactions(("a", "x", 12), ("a", "y", 10), ("a", "x", 9)).split(10)
        assert known.age.tolist() == [2, 0]
        assert later.age.tolist() == [9]


class TestNeighbours:
    def test_are_those_of_the_whole_product_whatever_the_block(self, monkeypatch):
        rng = np.random.default_rng(1)
        bought = csr_matrix((rng.random((80, 40)) < 0.15).astype(np.float32))
        dense = bought.toarray()
        roots = np.sqrt((dense**2).sum(axis=0))
        cosine = (dense.T @ dense) / np.maximum(np.outer(roots, roots), 1e-9)
        np.fill_diagonal(cosine, 0)
        best = -np.sort(-cosine, axis=1)[:, :5]
        places, alike = find_neighbours(bought, most=5)
        np.testing.assert_allclose(alike, best, rtol=1e-6)
        monkeypatch.setattr(neighbours, "BLOCK_CELLS", 80)
        again = find_neighbours(bought, most=5)
        np.testing.assert_array_equal(again[0], places)
        np.testing.assert_array_equal(again[1], alike)

    def test_who_buys_everything_says_little_of_two_products(self):
        # a and b buy x and y only; c, d and e buy all of seven, x and z among them.
        pair, everything = [1, 1, 0, 0, 0, 0, 0], [1, 0, 1, 1, 1, 1, 1]
        bought = csr_matrix(np.array([pair] * 2 + [everything] * 3, dtype=np.float32))
        plain, _ = find_neighbours(bought, most=1)
        shared, _ = find_neighbours(share_out(bought), most=1)
        assert plain[0, 0] == 2
        assert shared[0, 0] == 1

    def test_a_product_that_nobody_bought_has_none(self):
        places, alike = find_neighbours(csr_matrix((3, 2), dtype=np.float32), most=2)
        assert (places == -1).all()
        assert not alike.any()


class TestRanking:
    def test_is_that_of_scores_worked_out_one_by_one(self):
        known = draw_interactions()
        model = fit_model(known)
        setting = Setting("mixed", own=1.0, alike=0.7, popular=0.3)
        popularity = model.measure_popularity(np.inf)
        history, m = model.history, len(known.products)
        for kind in (ALL, AGAIN, NEW):
            found, scores = model.rank(np.arange(60), setting, kind=kind, count=4)
            for customer in range(60):
                rows = slice(history.starts[customer], history.starts[customer + 1])
                bought = history.products[rows]
                own, sums = np.zeros(m), np.zeros(m)
                own[bought] = history.day_counts[rows] + 0.5 / (1 + history.last_ages[rows])
                for product in bought:
                    for near, value in zip(
                        model.neighbours[product], model.alike[product], strict=True
                    ):
                        sums[near] += value if near >= 0 else 0
                is_bought = np.isin(np.arange(m), bought)
                wanted = {ALL: is_bought | True, AGAIN: is_bought, NEW: ~is_bought}[kind]
                total = 0.3 * popularity + 0.7 * sums / max(sums[wanted].max(), 1e-300)
                total += own / max(own[wanted].max(), 1e-300) if kind != NEW else 0
                total = np.where(wanted & (total > 0), total, -1)
                best = np.lexsort((np.arange(m), -total.round(9)))[:4]
                best = best[total[best] > 0]
                assert found[customer, : len(best)].tolist() == best.tolist()
                np.testing.assert_allclose(scores[customer, : len(best)], total[best], rtol=1e-5)

    def test_what_was_bought_on_more_days_comes_first_and_then_the_latest(self):
        model = fit_model(
            make_interactions(
                ("a", "x", 9), ("a", "y", 8), ("a", "z", 1), ("a", "z", 2), ("b", "x", 1)
            )
        )
        assert name_lists(model, ["a"], OWN, kind=AGAIN) == [["z", "y", "x"]]

    def test_what_is_new_was_not_bought_and_goes_on_with_the_most_popular(self):
        rows = [(name, "x", 1) for name in "abc"] + [("a", "y", 1), ("b", "z", 1), ("c", "z", 2)]
        model = fit_model(make_interactions(*rows))
        assert name_lists(model, ["a"], POPULAR, kind=NEW) == [["z"]]
        assert name_lists(model, ["b"], POPULAR, kind=NEW) == [["y"]]

    def test_of_late_is_not_of_all_time(self):
        old = [(f"c{one}", "x", 300) for one in range(5)]
        model = fit_model(make_interactions(*old, ("d", "y", 1), ("d", "z", 290), ("e", "z", 0)))
        lately = Setting("lately", popular=1.0, half_life=10)
        assert name_lists(model, ["d"], POPULAR, kind=NEW, count=1) == [["x"]]
        assert name_lists(model, ["c0"], lately, kind=NEW, count=2) == [["z", "y"]]

    def test_ties_are_settled_by_the_product_not_by_chance(self):
        rows = [("a", name, 1) for name in "edcba"]
        assert name_lists(fit_model(make_interactions(*rows)), ["a"], OWN, kind=AGAIN) == [
            ["a", "b", "c"]
        ]

    def test_a_list_longer_than_all_products_ends_with_them(self):
        model = fit_model(make_interactions(("a", "x", 1), ("b", "y", 1)))
        assert name_lists(model, ["a", "b"], POPULAR, kind=ALL, count=9) == [["x", "y"]] * 2

    def test_what_is_barred_or_left_out_is_on_no_list(self):
        known = draw_interactions(seed=3)
        left_out = np.array([[one, 3] for one in range(60)] + [[5, 0], [5, 1]])
        barred = np.zeros(len(known.products), dtype=bool)
        barred[6] = True
        model = fit_model(known, left_out=left_out, barred=barred)
        for kind in (ALL, AGAIN, NEW):
            for setting in (*list_settings(kind, days=90), OWN):
                found, _ = model.rank(np.arange(60), setting, kind=kind, count=25)
                assert not np.isin(found, [3, 6]).any()
                assert not np.isin(found[5], [0, 1]).any()

    def test_an_ignored_purchase_says_nothing_of_what_is_alike(self):
        rows = [(f"c{one}", name, 1) for one in range(5) for name in "xy"]
        rows += [(f"d{one}", name, 1) for one in range(5) for name in "vw"]
        known = make_interactions(*rows, ("me", "x", 1), ("me", "v", 1))
        ignored = np.array([[known.customers.get_loc("me"), known.products.get_loc("x")]])
        alike = Setting("alike", alike=1.0, popular=0.0)
        assert name_lists(fit_model(known), ["me"], alike, kind=NEW) == [["w", "y"]]
        model = fit_model(known, left_out=ignored)
        assert name_lists(model, ["me"], alike, kind=NEW) == [["w"]]
        assert name_lists(model, ["me"], OWN, kind=AGAIN) == [["v"]]


class TestJudging:
    def test_a_hit_at_the_second_place_of_two_that_could_be_is_worth_what_is_reckoned(self):
        truth = Truth({NEW: np.array([2, 1])}, np.array([1, 3, 10 + 4]), 10)
        places = np.array([[7, 3, 8], [4, -1, -1]], dtype=np.int32)
        hits, gains = truth.judge(np.array([0, 1]), places, kind=NEW)
        assert hits.tolist() == [True, True]
        second = 1 / np.log2(3)
        assert gains.tolist() == pytest.approx([second / (1 + second), 1.0])

    def test_who_was_not_known_before_does_not_judge(self):
        rows = [("a", "x", 9), ("a", "x", 1), ("a", "y", 1), ("new", "y", 1)]
        truth = find_truth(*make_interactions(*rows).split(5))
        assert truth.list_customers(ALL).tolist() == [0]
        assert truth.sizes[AGAIN].tolist() == [1, 0]
        assert truth.sizes[NEW].tolist() == [1, 0]

    def test_the_interval_holds_the_mean_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        held = [
            low <= 0.3 <= high
            for _, low, high in (bound_mean(rng.random(200) < 0.3) for _ in range(400))
        ]
        assert 0.92 <= np.mean(held) <= 0.98


class TestChoosing:
    def test_days_are_the_plan_s_or_a_quarter_of_the_time(self):
        assert choose_days(make_interactions(("a", "x", 199))) == 50
        assert choose_days(make_interactions(("a", "x", 4000))) == 90
        assert choose_days(make_interactions(("a", "x", 3))) == 7
        assert choose_days(make_interactions(("a", "x", 199)), 30) == 30

    def test_the_days_that_judge_have_no_part_in_the_choice(self):
        known = draw_interactions(customers=150, rows=4000)
        chosen = choose_settings(known, count=3, random_state=0, judged_days=40)
        rng = np.random.default_rng(5)
        product = np.where(known.age < 40, rng.integers(0, 25, len(known.age)), known.product)
        table = pd.DataFrame(
            {
                "customer_id": known.customers[known.customer],
                "product_id": known.products[product],
                "age": known.age,
            }
        )
        other = choose_settings(
            collect_interactions(table), count=3, random_state=0, judged_days=40
        )
        assert chosen.settings == other.settings
        assert not chosen.quality.equals(other.quality)

    def test_customers_who_keep_to_their_kind_get_what_is_alike(self):
        known = draw_interactions(customers=300, products=60, rows=5000)
        chosen = choose_settings(known, count=3, random_state=0)
        quality = chosen.quality.set_index(["kind", "method"])
        assert chosen.settings[NEW].alike == 1.0
        assert quality.loc[(NEW, choosing.POPULAR), "ndcg_gain_low"] > 0

    def test_the_simple_rules_are_among_those_that_are_tried(self):
        for kind, rules in choosing.SIMPLE.items():
            assert set(rules) <= set(list_settings(kind, days=90))

    def test_of_too_few_customers_nothing_is_chosen(self, monkeypatch):
        known = draw_interactions(customers=30)
        monkeypatch.setattr(judging, "Model", None)
        assert choose_settings(known, count=3, random_state=0).settings == choosing.USUAL

    def test_of_one_day_nothing_is_judged(self):
        chosen = choose_settings(make_interactions(("a", "x", 0)), count=3, random_state=0)
        assert chosen.quality.empty


class TestLists:
    def make(self, segments, *, rows=None, cell=2, **options):
        rows = rows or [
            *[(f"a{one}", "x", 1) for one in range(4)],
            *[(f"b{one}", "y", 1) for one in range(5)],
            ("b0", "z", 1),
        ]
        model = fit_model(make_interactions(*rows), **options)
        table = pd.DataFrame(segments, columns=["customer_id", "segment_name"])
        return prepare_lists(model, choosing.USUAL, table, count=2, smallest_cell=cell)

    def read(self, lists, customer, kind=NEW):
        frame = pd.concat(lists.iterate())
        rows = frame[(frame["customer_id"] == customer) & (frame["kind"] == kind)]
        assert rows["place"].tolist() == list(range(1, len(rows) + 1))
        return rows["product_id"].tolist()

    SEGMENTS = (
        *[(f"a{one}", "A") for one in range(4)],
        *[(f"b{one}", "B") for one in range(5)],
        ("cold_a", "A"),
        ("cold_c", "C"),
        ("cold_none", None),
    )

    def test_who_bought_nothing_gets_what_the_segment_buys_and_else_what_all_do(self):
        lists = self.make(self.SEGMENTS)
        # 4 of A's 4 bought x, of all 4 in 9: (4 + 20 * 4/9) / 24 = .54; y: (20 * 5/9) / 24 = .46
        assert self.read(lists, "cold_a") == ["x", "y"]
        assert self.read(lists, "cold_c") == ["y", "x"]
        assert self.read(lists, "cold_none") == ["y", "x"]
        assert self.read(lists, "cold_a", AGAIN) == []
        counts = count_lists(lists).set_index("basis")["customer_count"]
        assert counts.to_dict() == {BOUGHT: 9, BY_SEGMENT: 1, BY_ALL: 2}

    def test_a_segment_of_too_few_buyers_tells_nobody_s_purchases(self):
        lists = self.make(self.SEGMENTS, cell=5)
        assert self.read(lists, "cold_a") == ["y", "x"]

    def test_what_is_out_of_stock_goes_to_nobody_cold_or_not(self):
        lists = self.make(self.SEGMENTS, barred=np.array([False, True, False]))
        listed = pd.concat(lists.iterate())["product_id"]
        assert set(listed) == {"x", "z"}
        nothing = self.make(self.SEGMENTS, barred=np.ones(3, dtype=bool))
        assert pd.concat(nothing.iterate()).empty
        assert (count_lists(nothing)["basis"] == [BOUGHT, NO_LIST]).all()

    def test_lists_are_alike_whatever_the_block_and_are_written_as_a_table(self, tmp_path):
        lists = self.make(self.SEGMENTS)
        whole = pd.concat(lists.iterate()).sort_values(["customer_id", "kind", "place"])
        lists.write_parquet(tmp_path / "lists.parquet", block=2)
        written = pd.read_parquet(tmp_path / "lists.parquet")
        written = written.sort_values(["customer_id", "kind", "place"])
        assert list(written) == ["customer_id", "kind", "place", "product_id", "score"]
        assert written.astype(str).to_numpy().tolist() == whole.astype(str).to_numpy().tolist()

    def test_a_customer_has_one_list_though_named_twice(self):
        lists = self.make([("a0", "A"), ("a0", "B")])
        assert len(lists.members) == 1


class TestPlan:
    def test_the_defaults_need_no_line(self):
        plan = Recommendations()
        assert (plan.count, plan.judged_days, plan.wish_events) == (10, None, ("wish",))

    @pytest.mark.parametrize(
        "wrong", [{"count": 0}, {"judged_days": 0}, {"wish_events": [""]}, {"no_such": 1}]
    )
    def test_what_cannot_be_is_refused(self, wrong):
        with pytest.raises(ValueError):
            Recommendations(**wrong)
