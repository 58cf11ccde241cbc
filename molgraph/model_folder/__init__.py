"""Folders of models and encoders: cards, and arrays whose hashes stand there."""
