"""Trained models, loaded once and called many times; and those that come with molgraph, by name."""
