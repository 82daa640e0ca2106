"""The runs of a server: taken on, queued, steered, recorded, recovered and retired."""
