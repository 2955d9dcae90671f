"""What travels between stages: rows, references, scores; and real data sets."""
