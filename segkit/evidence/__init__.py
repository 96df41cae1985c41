"""What other tables say: readiness, the market, experience, KPIs."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
