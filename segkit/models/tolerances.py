"""What counts as equal to the loops and to the expression that assigns, and how they take rows."""

from __future__ import annotations

# Squared distances within one part in 1e9 are equal; the lower cluster wins.
TIE = 1.000000001
# A move must lower the cost by more than this part of what the row costs where it is.
WORTH = 1e-9
# Rows whose distances to all clusters are held at once, and rows priced at once in numpy.
BLOCK = 256
