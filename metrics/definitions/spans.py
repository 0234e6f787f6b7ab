"""Spans of time that an aggregation evaluates at once: any instants, in any order, also overlapping ones."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from metrics.aggregation.mongo_expressions import Expression
from metrics.aggregation.stored_periods import StoredPeriods, in_range, joined
from metrics.documents import Document
from metrics.expected import Span

_Runs = list[tuple[int, int]]
"""By number, the first item of a run of items and the one after its last."""
_GROWTH = 3
"""How many times as long as the next smaller block a block is; with 2 and 4 there are about as many joins."""


class Timeline:
    """The time of all spans, cut at each of their bounds into intervals that lie wholly within a span or outside.

    So a document is put into one interval first, also where spans overlap, and intervals are joined to spans later.
    Where many spans overlap, as windows of 28 days that end at each day do, intervals are joined to blocks of 1, 3, 9,
    ... intervals first, and a span is then joined from the few blocks that it consists of. A window of n days takes a
    number of joins that grows with log n, in place of n; since no block counts twice, sums stay right.
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
        self._spans_of: list[list[int]] = [found for _, found in covered]
        """By interval, the numbers of the spans that it belongs to."""
        self._steps = self._joins(len(spans))
        """By step, and by number of the step before, the numbers that it is joined to; the last are those of spans.

        Without steps, each interval has the number of its only span.
        """

    @property
    def is_whole(self) -> bool:
        """True if there is one interval only."""
        return len(self._intervals) == 1

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

    def join(self, accumulators: Mapping[str, str]) -> list[Document]:
        """Return stages that join the documents of intervals to those of spans; none if each interval is a span.

        The number of an interval is `_id.span`, or missing if there is one only; that of a span is `_id.span`.
        `accumulators` are the operators by which the fields are joined: each may be applied to its own results.
        """
        stages: list[Document] = []
        for numbers in self._steps:
            found = {"$arrayElemAt": [{"$literal": numbers}, {"$ifNull": ["$_id.span", 0]}]}
            again = {name: {how: f"${name}"} for name, how in accumulators.items()}
            stages += [{"$set": {"_id.span": found}}, {"$unwind": "$_id.span"}, {"$group": {"_id": "$_id", **again}}]
        return stages

    def _joins(self, spans: int) -> list[list[list[int]]]:
        """Return the steps to spans: none, one, or two by blocks if these take fewer than half the joins."""
        if self._spans_of == [[number] for number in range(len(self._spans_of))]:
            return []
        by_blocks = _by_blocks(self._spans_of, spans)
        return by_blocks if 2 * sum(map(_size, by_blocks)) < _size(self._spans_of) else [self._spans_of]


def _by_blocks(spans_of: list[list[int]], spans: int) -> list[list[list[int]]]:
    """Return the blocks of each interval, and the spans of each block; `spans_of` has the spans of each interval."""
    runs: _Runs = [(len(spans_of), 0)] * spans
    for interval, numbers in enumerate(spans_of):
        for number in numbers:
            runs[number] = (min(runs[number][0], interval), interval + 1)
    of_block: dict[tuple[int, int], list[int]] = {}
    for number, run in enumerate(runs):
        for block in _blocks(*run):
            of_block.setdefault(block, []).append(number)
    blocks_of: list[list[int]] = [[] for _ in spans_of]
    for number, (first, end) in enumerate(of_block):
        for interval in range(first, end):
            blocks_of[interval].append(number)
    return [blocks_of, list(of_block.values())]


def _size(numbers: Iterable[list[int]]) -> int:
    return sum(map(len, numbers))


def _blocks(first: int, end: int) -> _Runs:
    """Divide a run of intervals into the largest blocks that begin at a multiple of their length."""
    found: _Runs = []
    while first < end:
        length = 1
        while first % (length * _GROWTH) == 0 and first + length * _GROWTH <= end:
            length *= _GROWTH
        found.append((first, first + length))
        first += length
    return found
