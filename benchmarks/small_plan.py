"""The plan of a shop of which only the tables matter."""

PLAN = """
name = "lines"
title = "Order lines"
owner = "Nobody"
scope = "Everybody"
target_market = "Here"
budget = "None"
deliverables = ["A list"]
as_of = 2026-06-30
currency = "EUR"
[[goals]]
name = "keep"
text = "Keep customers"
kpi = "repeat_share"
[[schemes]]
name = "tiers"
goal = "keep"
base = "value"
method = "tiers"
columns = ["total_spend"]
segments = 3
"""
