"""Worker processes, and signals that are held back while they would do harm."""
