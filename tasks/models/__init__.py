"""Models that ship with Sentimill, embeddings, and the arithmetic of the machine."""
