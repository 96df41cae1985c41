"""Good tables in drawn styles, and faults drawn into them, each with its known truth."""
