"""The checks of `tidemark doctor`: one module per area; each check is a short function that returns what it found."""

from tidemark.checkup.examine import examine
from tidemark.checkup.finding import Finding

__all__ = ["Finding", "examine"]
