"""Lists for the mail tool and the CRM: who is on one, who is held out, how it is written."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
