"""What a tuned generator is worth."""

from tasks.data.records import Record


class GeneratorScores(Record):
    """What a generator is worth."""

    n_texts: int
    n_tokens: int
    """Text and prompt tokens of one epoch."""
    epochs: int
    held_out_loss: tuple[float, ...]
    """Nats per text token after each epoch, on texts of the train files that were held out."""
    dev_perplexity: float
    """Per text token, on the dev file, which nothing was trained on or chosen by."""
    fidelity: float
    """Share of samples whose intended label is in the judge's top 3, mean over the labels."""
    fidelity_per_label: dict[str, float]
    memorised: float
    """Share of samples with an eight-word run of a training text."""
    n_samples: int
    samples: dict[str, tuple[str, ...]]
