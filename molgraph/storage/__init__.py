"""Storage: atomic writes, folders with checksums, and bounded, checked reads."""
