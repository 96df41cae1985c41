"""What the front door opens: each function on a DataFrame or an Ibis table, without a plan.

The functions are thin: they read what they are given, refuse in words what cannot be used, and call
the room that a run calls for the same. Everything here is imported as ``from segkit import ...``.
"""
