"""Columns that several tables of the contract have."""

from __future__ import annotations

from segkit.contract.definitions import Column

UNIT_COST = Column("unit_cost", "money", "Cost of one unit", unit="currency", minimum=0)
CURRENCY = Column("currency", "category", "Currency of the amounts in the row", unit="ISO 4217")
COUNTRY = Column("country", "category", "Country's name or code, spelt one way throughout")
CHANNEL = Column("channel", "category", "Where it happened: web, app, store, phone, e-mail")
KNOWN_CUSTOMER_ID = Column("customer_id", "id", "The customer, where known")
CAMPAIGN_ID = Column("campaign_id", "id", "The campaign it belongs to")
CUSTOMER_ID = Column("customer_id", "id", "Identifies one customer in every table", required=True)
DEVICE = Column("device", "category", "Kind of device: desktop, mobile, tablet")
OPERATING_SYSTEM = Column("operating_system", "category", "Operating system of the device")
BROWSER = Column("browser", "category", "Browser or app")
CATEGORY = Column("category", "category", "Category of product")
SOURCE = Column("source", "text", "Where the figure was taken from")
STATUS = Column("status", "category", "State of the order, such as complete or cancelled")
CANCELLED_AT = Column(
    "cancelled_at", "datetime", "When the order was cancelled, if it was", unit="date or time"
)
