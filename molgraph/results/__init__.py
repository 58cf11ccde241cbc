"""Result types that all packages share: tasks, predictions, rejected rows, row counts."""
