"""What people take away from a run that is recorded: one HTML page, and its trades and equity as tables."""
