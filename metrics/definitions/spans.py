"""Spans of time that an aggregation evaluates at once: any instants, in any order, also overlapping ones."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from metrics.aggregation.mongo_expressions import Expression
from metrics.aggregation.stored_periods import StoredPeriods, in_range, joined
from metrics.documents import Document
from metrics.expected import Span


class Timeline:
    """The time of all spans, cut at each of their bounds into intervals that lie wholly within a span or outside.

    So a document is put into one interval first, also where spans overlap, and intervals are joined to spans later.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        """Cut the time at the bounds of `spans`, which are not empty."""
        bounds = sorted({bound for span in spans for bound in span})
        of_interval: list[list[int]] = [[] for _ in pairwise(bounds)]
        for number, (start, end) in enumerate(spans):
            for interval in range(bisect_left(bounds, start), bisect_left(bounds, end)):
                of_interval[interval].append(number)
        covered = [(both, found) for both, found in zip(pairwise(bounds), of_interval, strict=True) if found]
        self._intervals: list[Span] = [both for both, _ in covered]
        self.spans_of: list[list[int]] = [found for _, found in covered]
        """By interval, the numbers of the spans that it belongs to."""

    @property
    def is_whole(self) -> bool:
        """True if there is one interval only."""
        return len(self._intervals) == 1

    @property
    def overlaps(self) -> bool:
        """True if the number of an interval is not that of its only span."""
        return self.spans_of != [[number] for number in range(len(self.spans_of))]

    def periods(self, stored: StoredPeriods) -> Document:
        """Return a query for the rollups that cover the spans: of stored weeks and months where possible, else of days.

        Each of these periods lies within one interval.
        """
        return stored.query(self._intervals)

    def match(self, field: str) -> Document:
        """Return a query for the documents whose `field` lies in any span."""
        queries = [{field: in_range(both)} for both in joined(self._intervals)]
        return queries[0] if len(queries) == 1 else {"$or": queries}

    def interval(self, path: str) -> Expression:
        """Return an expression for the number of the interval that an instant of `match` lies in: a binary search."""

        def search(first: int, last: int) -> Expression:
            if first == last:
                return first
            middle = (first + last + 1) // 2
            earlier = {"$lt": [path, self._intervals[middle][0]]}
            return {"$cond": [earlier, search(first, middle - 1), search(middle, last)]}

        return search(0, len(self._intervals) - 1)

    def spans(self, path: str) -> Expression:
        """Return an expression for the numbers of the spans of an interval, whose number is at `path` or missing."""
        return {"$arrayElemAt": [{"$literal": self.spans_of}, {"$ifNull": [path, 0]}]}
