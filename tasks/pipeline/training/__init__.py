"""The training loop that classifier and generator share."""
