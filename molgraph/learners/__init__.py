"""Learners: fit, predict and stored arrays of each family in one file, and how several are blended."""
