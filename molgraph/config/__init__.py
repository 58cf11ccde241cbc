"""What a user may set: settings, learners and their defaults, and how they are read from files."""
