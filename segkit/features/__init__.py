"""One row a customer, a module a subject."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
