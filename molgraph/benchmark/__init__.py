"""Learners judged side by side: the same rows, the same splits, one record for each, and honest statistics."""
