"""From probabilities to label sets: calibration, thresholds, ordinal levels."""
