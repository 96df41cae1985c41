"""Models of what customers will buy, and what it is worth, on plain arrays in any unit of time."""
