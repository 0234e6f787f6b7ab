"""The preview of a formula: its values over the last eight weeks of a workspace. Nothing is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.definitions.changes import live
from metrics.definitions.evaluate import evaluate
from metrics.definitions.language.checker import Checked, check
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.scope import Scope, Value
from metrics.expected import Span
from metrics.periods import WEEK
from metrics.store import Store

WEEKS = 8


@dataclass(frozen=True, slots=True)
class Preview:
    """A checked formula with its value over each week and over all of them, and the definitions that it names."""

    checked: Checked
    weeks: Sequence[tuple[Span, Value]]
    total: tuple[Span, Value]
    uses: dict[str, int]


def preview(store: Store, workspace_id: str, expression: str, now: datetime, unit: str | None = None) -> Preview:
    """Return the values of an expression over the week that `now` is in, and the seven weeks before it.

    The weeks are those of the workspace's calendar.

    Raises:
        InvalidInput: the expression is not accepted, or `unit` is not its unit.
        MongoUnavailable: MongoDB does not answer.
    """
    accounts = store.accounts.connections([workspace_id])
    present = live(store.definitions.newest(workspace_id))
    vocabulary = Vocabulary(
        workspace_id,
        {name: one["expression"] for name, one in present.items()},
        {account.account_id: account.platform for account in accounts},
        store.campaigns.by_posts(workspace_id),
    )
    checked = check(expression, vocabulary, unit=unit)
    calendars = store.calendars.get(workspace_id)
    today = calendars.current.date_of(now)
    spans = [span.bounds for span in calendars.spans_between("weekly", today - WEEKS * WEEK, today)][-WEEKS:]
    whole = (spans[0][0], spans[-1][1])
    *weeks, total = evaluate(
        store,
        checked.form,
        Scope(workspace_id, calendar=calendars.current),
        [*spans, whole],
        accounts,
        without_consent=store.consents.lacking(workspace_id),
    )
    uses = {name: present[name]["version"] for name in sorted(checked.uses)}
    return Preview(checked, list(zip(spans, weeks, strict=True)), (whole, total), uses)
