"""The check of the labels of a term: `views{platform=instagram,facebook; metricType=reel}`."""

from collections.abc import Sequence
from typing import Any

from metrics.definitions.language.campaigns import check_campaigns
from metrics.definitions.language.forms import Selector, Term
from metrics.definitions.language.tree import Label, LabelValue, Refused
from metrics.definitions.language.vocabulary import LABELS, Vocabulary, instead
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS

_FIELDS = {
    "platform": "platforms",
    "account": "accounts",
    "contentType": "content_types",
    "metricType": "metric_types",
    "campaign": "campaigns",
}
_VALUES: dict[str, Sequence[str]] = {
    "platform": PLATFORMS,
    "contentType": CONTENT_TYPES,
    "metricType": METRIC_TYPES[1:],
}
_OF_POSTS = ("contentType", "metricType")


def selector_of(labels: Sequence[Label], vocabulary: Vocabulary, *, has_posts: bool, name: str) -> Selector:
    """Return the selector that labels describe. `has_posts` says that the labels of posts may be used.

    Raises:
        Refused: a label or a value does not exist, is given twice, or does not fit the metric.
    """
    found: dict[str, Any] = {}
    for label in labels:
        if label.name not in LABELS:
            raise Refused(label.at, f"there is no label {label.name}: {instead(label.name, LABELS)}")
        if label.name in _OF_POSTS and not has_posts:
            raise Refused(label.at, f"{name} is a number of accounts: {label.name} selects posts, leave it out")
        if _FIELDS[label.name] in found:
            raise Refused(label.at, f"{label.name} is given twice: write its values with commas between them")
        if label.name == "campaign":
            known = vocabulary.campaigns
            found["campaigns"] = check_campaigns(label, known, of_accounts=not has_posts, name=name)
        else:
            found[_FIELDS[label.name]] = _values(label, vocabulary)
    return Selector(**found)


def _values(label: Label, vocabulary: Vocabulary) -> tuple[str, ...]:
    known: Sequence[str] | None = _VALUES.get(label.name)
    if known is None:
        known = None if vocabulary.accounts is None else sorted(vocabulary.accounts)
    for value in label.values:
        if known is not None and value.text not in known:
            raise Refused(value.at, _unknown(label, value, known))
    # Sorted, so that the order in which values are written makes no difference.
    return tuple(sorted({value.text for value in label.values}))


def _unknown(label: Label, value: LabelValue, known: Sequence[str]) -> str:
    if not known:
        return f"there is no {label.name} {value.text}: the workspace has no account"
    return f"there is no {label.name} {value.text}: {instead(value.text, known)}"


def check_offered(term: Term, labels: Sequence[Label], at: int, vocabulary: Vocabulary) -> None:
    """Check that the platforms offer what a term selects.

    Raises:
        Refused: a named platform lacks the metric, the named accounts are of other platforms, or no kind of post that
            is selected has the metric.
    """
    shown = str(term).removesuffix(str(term.selector))
    for value in (value for label in labels if label.name == "platform" for value in label.values):
        if not any(_is_offered(term, platform) for platform in PLATFORMS if platform == value.text):
            raise Refused(value.at, f"{value.text} does not offer {shown}: leave it out")
    if not any(_is_offered(term, platform) for platform in PLATFORMS):
        raise Refused(at, f"no platform offers {term}: widen its labels")
    for value in (value for label in labels if label.name == "account" for value in label.values):
        platform = (vocabulary.accounts or {}).get(value.text)
        if platform is None:
            continue
        if not term.selector.takes_account(value.text, platform):
            raise Refused(value.at, f"{value.text} is an account of {platform}, which the label platform leaves out")
        if not _is_offered(term, platform):
            raise Refused(value.at, f"{value.text} is an account of {platform}, which does not offer {shown}")


def _is_offered(term: Term, platform: str) -> bool:
    if term.selector.platforms and platform not in term.selector.platforms:
        return False
    if term.subject == "account" and not (term.selector.metric_types or term.selector.content_types):
        return any(term.metrics_on(name) for name in PLATFORMS if name == platform)
    return any(term.metrics_on(kind) for kind in term.selected_kinds() if kind[0] == platform)
