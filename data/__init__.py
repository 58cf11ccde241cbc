"""Data that is installed with molgraph: one card per benchmark set in `cards/`."""
