"""Packed libraries: parsed and featurized once, screened many times."""
