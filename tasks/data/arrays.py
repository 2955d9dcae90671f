"""Names for arrays."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""Numbers by row and label, unless a function says otherwise."""
