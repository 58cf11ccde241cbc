"""Graph encoders made of torch_geometric's layers."""
