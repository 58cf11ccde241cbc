"""Interfaces to other libraries: scikit-learn estimators, DeepChem data sets, PyTorch Geometric graphs."""
