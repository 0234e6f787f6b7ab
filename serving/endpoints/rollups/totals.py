"""The totals of the periods that a query selects."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from metrics.aggregation.consents import left_out, note_left_out, note_not_stored, without_derived
from metrics.aggregation.post_parts import PostPart
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from serving.endpoints.rollups.compared import Comparisons, SidesByStart
from serving.endpoints.rollups.selection import Rollups, Selection, name_of


def totals(
    selection: Selection, sides: SidesByStart, rollups: Rollups, part: PostPart | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the totals of every selected period in which an account is expected, oldest first.

    With a part of the posts, `rollups` have the sums over these posts. Where the totals mix several platforms, those
    without a consent that their terms demand are left out of engagement.
    """
    withheld = left_out(selection.accounts, selection.without_consent)
    if withheld:
        rollups = {span: without_derived(documents, withheld) for span, documents in rollups.items()}
    compared = Comparisons(selection, sides, rollups) if selection.compare else None
    for labelled in selection.periods:
        span = labelled.bounds
        period = PeriodRollups(*span, rollups[span])
        total = workspace_totals(period, selection.accounts, selection.now, part)
        if total is not None:
            total |= name_of(labelled)
            note_not_stored(total, selection.accounts, partial(selection.allows_storing, start=span[0]), part)
            if withheld:
                note_left_out(total, selection.accounts, withheld)
            if compared is not None:
                total["comparison"] = compared.of_totals(total["periodStart"])
            yield total
