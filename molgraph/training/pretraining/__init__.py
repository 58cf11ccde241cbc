"""Pretraining of graph encoders: a corpus of structures, numbers computed of them, and a network that learns these."""
