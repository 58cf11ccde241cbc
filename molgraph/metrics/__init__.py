"""Metrics: accuracy of predictions, early enrichment of actives, and calibration of the uncertainty."""
