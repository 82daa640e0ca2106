"""What the position core does, as specifications; see EXECUTION.md."""
