"""What a review asked people, kept with the run so that their answers can be read back."""

from tasks.data.records import Record


class ReviewItem(Record):
    """One text that people are asked about."""

    id: str
    """`<run>/<row>`: tells the answer of another run from one of this."""
    text: str
    labels: tuple[str, ...]
    """Labels that the votes, or for a user's own text the classifier, gave it."""
    unknown: tuple[str, ...] = ()
    """Labels that the votes left open; they count on neither side of the agreement."""
    why: str
    """Why it is worth a look."""
    source: str
    """`synthetic` for a text that the generator wrote, else `human`."""


class ReviewBatch(Record):
    """All that one review asked."""

    run: str
    items: tuple[ReviewItem, ...]
