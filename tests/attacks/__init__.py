"""Attacks, a file a kind: whoever adds an input or an output meets them."""
