"""What a run leaves behind: its journal, its equity and its result, in a folder of its own."""
