"""REST: what can be asked over HTTP, as a Litestar application over the registry, the library and the workspace."""
