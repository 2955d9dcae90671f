"""What to generate: cells, prompts, rows and cost."""
