"""The classifier in forms that other runtimes load, and those of them that the service runs."""
