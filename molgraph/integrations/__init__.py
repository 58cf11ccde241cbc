"""Ways into other libraries: scikit-learn, DeepChem, PyTorch Geometric."""
