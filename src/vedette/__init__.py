"""Vedette watches fleets of machines: it sees first, and reports."""

import os
from importlib.metadata import version

__all__ = ["__version__"]

# Before NumPy is loaded. The detector's matrices are small: a second thread of linear algebra made a decomposition of 38
# metrics 14 to 24 times dearer. What an operator sets goes first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = version("vedette")
