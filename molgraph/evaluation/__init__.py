"""Evaluation of a trained model on compounds that were not in its training, and recalibration with them."""
