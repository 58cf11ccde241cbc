"""Measured quantities and their units, as the columns of tables name them."""
