"""Part-of-speech tags (Penn Treebank) for every token, learnt from UD English EWT and run from tables."""
