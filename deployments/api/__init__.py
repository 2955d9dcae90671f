"""Inference: the classifier of a run behind HTTP, with its scrubber and thresholds; and a page."""
