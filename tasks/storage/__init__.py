"""The results block: content-addressed files, runs, champions."""
