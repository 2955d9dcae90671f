"""The Brown clusters of the name lexicon's words, from `spacy-lookups-data` (MIT)."""

import gzip
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.pipeline.scrubbing.table_builder.lexicon import package_folder


def cluster_arrays(words: Sequence[str]) -> dict[str, Any]:
    """Return the arrays of `clusters.npz`.

    Args:
        words: The lexicon's lower-case words, in its order.

    Returns:
        `lower` and `capital`, the cluster of each word's lower-case and capitalised form (uint16, 0 for
        none), and `paths`, the way to each cluster as bits, the root's choice lowest.
    """
    path = package_folder("spacy_lookups_data") / "data" / "en_lexeme_cluster.json.gz"
    known: dict[str, int] = json.loads(gzip.decompress(path.read_bytes()))
    paths = [0, *sorted(set(known.values()) - {0})]
    index = {path: i for i, path in enumerate(paths)}

    def placed(forms: Sequence[str]) -> Any:
        return np.array([index[known.get(form, 0)] for form in forms], np.uint16)

    capitalised = [word[:1].upper() + word[1:] for word in words]
    return {"lower": placed(words), "capital": placed(capitalised), "paths": np.array(paths, np.uint32)}
