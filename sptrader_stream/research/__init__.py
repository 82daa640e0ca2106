"""Work on finished runs: why their trades did or did not happen."""
