"""Comparison of learners on the same rows and splits: one record for each experiment, and tests of significance."""
