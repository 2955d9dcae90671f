"""The sampling engine: batched decoding on a paged key-value cache."""
