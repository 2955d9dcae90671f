"""Fine-tune a causal language model so that it writes in wanted labels."""
