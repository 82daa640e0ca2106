"""The SQL files that make the schema, in the order of their numbers; one that was released never changes."""
