"""Generator of `docs/terms.md` from the facts of the platforms: `python -m tidemark.terms_page > docs/terms.md`."""

import sys
from collections.abc import Iterator
from datetime import timedelta

from metrics.platforms.facts import PlatformFacts
from metrics.platforms.registry import FACTS
from metrics.platforms.terms import Term

_FACTS = "platform-facts.md"
_HEAD = f"""# Terms of the platforms

What the terms of each platform say about stored data, and what Tidemark does about it. The rules about the content of
posts (captions, links and thumbnails) and about consents are obeyed by collection, `maintain_daily` and totals without
a setting; the rest says which command obeys a rule, or that none does. The sources are named as in
[{_FACTS}]({_FACTS}). This page is no legal advice: read the terms that you agreed to. It is made from
the code: `python -m tidemark.terms_page > docs/terms.md`.
"""
_COLUMNS = "| data | rule | what Tidemark does | source |\n|---|---|---|---|\n"
_CONTENT_SOURCE = f"[{_FACTS}]({_FACTS}#content-of-posts)"
_HOUR = timedelta(hours=1)
_REMOVED = (
    "`tidemark watch remove` deletes the public numbers, posts and rollups of an account at once, and so do "
    "`DELETE …/watched/…` and `tidemark erase` of the workspace, or of the connected account that is the same."
)


def page() -> str:
    """Return the text of the page."""
    return _HEAD + "".join(_section(facts) for facts in FACTS.values())


def _section(facts: PlatformFacts) -> str:
    rows = (f"| {one.data} | {one.rule} | {one.obeyed} | {one.source} |\n" for one in _terms(facts))
    return f"\n## {facts.title}\n\n{_COLUMNS}{''.join(rows)}"


def _terms(facts: PlatformFacts) -> Iterator[Term]:
    yield _content(facts)
    if facts.derived_needs_consent:
        yield Term(
            "numbers that are mixed with those of other platforms",
            "They need a consent of the platform.",
            f"Totals over several platforms leave {facts.title} out, with the reason `terms`, until "
            f"`tidemark consents give WORKSPACE --platform {facts.name}`.",
            "*Developer Policies*",
        )
    if facts.storing_needs_consent:
        yield Term(
            "everything that the API returned",
            "It may not be stored without a consent of the platform.",
            "Accounts are not read, and their numbers have the reason `terms`, until `tidemark consents give WORKSPACE "
            f"--platform {facts.name}`; `tidemark consents withdraw` deletes what was stored of them, in exports too. "
            "A restored backup brings neither the consent nor the numbers back.",
            "*Developer Guidelines*",
        )
    yield from facts.terms
    yield from _public(facts)


def _public(facts: PlatformFacts) -> Iterator[Term]:
    terms = facts.public.terms
    if facts.public.no_route:
        kept = "None are read. A person may enter them by hand, with the name of who entered them."
    elif terms.days is not None:
        kept = (
            f"Each night, the numbers, rollups and posts of watched accounts of more than {terms.days} days ago are "
            "deleted, and ids and handles that were not told again since."
        )
    else:
        kept = "They are kept for `TIDEMARK_RETENTION_DAYS` and `TIDEMARK_ROLLUP_RETENTION_DAYS`."
    yield Term("public numbers of accounts of others", terms.rule, kept, terms.source)
    derived = (
        "Rollups are derived from them; nothing is compared with them yet."
        if terms.derived_allowed
        else "Rollups are derived from them. Nothing is compared with them yet, nor will be without the consent."
    )
    yield Term("metrics that are derived from these numbers", terms.derived_rule, derived, terms.source)
    yield Term("deletion of these numbers", terms.deletion, _REMOVED, terms.source)


def _content(facts: PlatformFacts) -> Term:
    content, rules, obeyed = facts.content, [], []
    if content.unseen is not None:
        rules.append(f"It may be kept for {_duration(content.unseen)} after the platform returned it.")
        obeyed.append(f"It is removed {_duration(content.unseen)} after {facts.title} last returned it.")
    if content.age is not None:
        obeyed.append(
            f"Posts older than {_duration(content.age)} have none, because they are read too rarely to notice in time "
            "that they are gone."
        )
    return Term(
        "content of posts",
        " ".join(rules) or "No time is named.",
        " ".join([*obeyed, "A deleted post loses it at once; `TIDEMARK_STORE_POST_CONTENT=false` stores none."]),
        _CONTENT_SOURCE,
    )


def _duration(length: timedelta) -> str:
    return f"{length.days} days" if length.days > 1 else f"{length // _HOUR} hours"


if __name__ == "__main__":
    sys.stdout.write(page())
