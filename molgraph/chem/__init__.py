"""Cheminformatics with RDKit: parsing, standardization, identity, descriptors, fingerprints and alerts."""
