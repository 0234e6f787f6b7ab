"""What `tidemark doctor` looks at: one module per kind of trouble, each look a short function that says what it saw."""

from tidemark.checkup.examine import examine
from tidemark.checkup.finding import Finding

__all__ = ["Finding", "examine"]
