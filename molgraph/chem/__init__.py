"""Everything that needs RDKit to look at a structure; it ends where `PackedGraphs` begin."""
