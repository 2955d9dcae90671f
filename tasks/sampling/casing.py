"""Sentence case and spacing for texts that come out of a lower-case WordPiece vocabulary."""


def restore_case(text: str) -> str:
    """Placeholder."""
    return text
