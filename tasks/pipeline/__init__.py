"""The stages as plain code: no Prefect, each usable from a notebook."""
