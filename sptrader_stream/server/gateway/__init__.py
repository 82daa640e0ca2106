"""The websocket gateway: any number of watchers of any number of runs, none of whom can hold a run up."""
