"""Model and encoder folders: a JSON card, and arrays whose hashes it contains."""
