"""Labels and topics, and the files that they come in."""

from tasks.taxonomy.labels import Label, Taxonomy, load_taxonomy
from tasks.taxonomy.topics import Style, Topic, Topics, load_out_of_scope, load_topics

__all__ = [
    "Label",
    "Style",
    "Taxonomy",
    "Topic",
    "Topics",
    "load_out_of_scope",
    "load_taxonomy",
    "load_topics",
]
