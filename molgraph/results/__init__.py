"""Values that go from floor to floor: tasks, predictions, rejected rows."""
