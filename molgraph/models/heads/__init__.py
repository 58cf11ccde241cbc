"""Heads: what a network's raw outputs mean, and what it costs to be wrong. One small file for each kind."""
