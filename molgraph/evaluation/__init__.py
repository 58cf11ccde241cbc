"""Judging a trained model on compounds that it never saw, and calibrating it with them."""
