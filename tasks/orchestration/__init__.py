"""What Prefect needs and no stage owns: caching, artifacts, events, locks, preflight checks."""
