"""Where the registry keeps its objects: one port, an engine in memory and one on SQL."""
