"""A run followed in the terminal, whether a server has it or this process: what is shown, and the keys to steer it."""
