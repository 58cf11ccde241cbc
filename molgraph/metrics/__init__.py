"""Metrics: how good predictions are, how early actives are found, and how honest the uncertainty is."""
