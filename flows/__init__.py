"""The flows: what a run is, in one screen of calls each."""
