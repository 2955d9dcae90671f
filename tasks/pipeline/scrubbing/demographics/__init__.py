"""Demographic words and gender: lexicon, contexts, agreement."""
