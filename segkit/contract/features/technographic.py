"""Devices, systems and browsers: features of the base technographic."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of, any_of, any_read_by
from segkit.contract.requirements import EVENTS

FEATURES = (
    Feature(
        "device",
        base="technographic",
        kind="category",
        needs=any_of("customers.device", "events.device"),
        label="device",
        level="on {}",
        meaning="Own device, else the most used",
    ),
    Feature(
        "operating_system",
        base="technographic",
        kind="category",
        needs=any_of("customers.operating_system", "events.operating_system"),
        label="operating system",
        level="on {}",
        meaning="Own system, else the most used",
    ),
    Feature(
        "browser",
        base="technographic",
        kind="category",
        needs=any_of("customers.browser", "events.browser"),
        label="browser",
        level="with browser {}",
        meaning="Own browser, else the most used",
    ),
    Feature(
        "app_share",
        base="technographic",
        unit="share",
        needs=EVENTS + all_of("events.channel"),
        label="share of events in the app",
        more="more use of the app",
        less="less use of the app",
        none="no use of the app",
        meaning="Share of events in the app, of those in app or web",
    ),
)

TECHNOGRAPHIC = Base(
    "technographic",
    answers="Which devices, systems and browsers they use",
    needs=any_read_by(FEATURES),
    features=FEATURES,
)
