"""What a classifier is worth: metrics, thresholds, and the baselines that it has to beat."""
