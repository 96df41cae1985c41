"""The plan against the data: what the customers that are there can carry."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
