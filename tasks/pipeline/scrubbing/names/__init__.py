"""Person names: tagger, patterns, coreference."""
