"""Runs as a service: REST, the websocket gateway and the dashboard on one port, over a registry of runs."""
