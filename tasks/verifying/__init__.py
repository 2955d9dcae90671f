"""Does a text carry the label that it was asked to carry?"""

from tasks.verifying.folds import verify_rows

__all__ = ["verify_rows"]
