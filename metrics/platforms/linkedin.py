"""LinkedIn: the pages of organizations and their posts."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from metrics.platforms.facts import Api, Colours, ContentFacts, Ids, PlatformFacts, PublicFacts, PublicNumbers
from metrics.platforms.ids import Refuse, handles, number, shown
from metrics.platforms.login import Address, Login, OwnedAccount, Question, split_scopes
from metrics.platforms.permissions import Permission, TokenPermissions
from metrics.platforms.terms import PublicTerms, Term

_URN = re.compile(r"urn:li:([a-z]+):([^:]*)", re.IGNORECASE)
_MOST_NAMES = 100
_BRAND = "urn:li:organizationBrand:"


def _account_id(text: str, refuse: Refuse) -> str:
    urn = _URN.fullmatch(unquote(text))
    if urn is None:
        return number(text, refuse)
    kind, found = urn[1].lower(), number(urn[2], refuse)
    if kind not in ("organization", "organizationbrand"):
        refuse(f"{shown(text)} is not a page: only pages are collected")
    return found if kind == "organization" else _BRAND + found


def _same_accounts(normal: str) -> tuple[str, ...]:
    """Return both forms of a page: LinkedIn numbers company and showcase pages in one sequence."""
    found = normal.rpartition(":")[2]
    return found, _BRAND + found


def _post_id(text: str, refuse: Refuse) -> str:
    urn = _URN.fullmatch(unquote(text))
    if urn is None:
        if re.fullmatch(r"[0-9]+", text):
            refuse(f"{shown(text)} does not say whether it is a share or a ugcPost")
        refuse(f"{shown(text)} is not the URN of a post")
    kind = urn[1].lower()
    if kind == "activity":
        refuse("urn:li:activity: names an entry of a feed, for which LinkedIn has no statistics")
    if kind not in ("share", "ugcpost"):
        refuse(f"{shown(text)} is not the URN of a post")
    return f"urn:li:{'share' if kind == 'share' else 'ugcPost'}:{number(urn[2], refuse)}"


API_VERSION = "202608"
HEADERS = {"Linkedin-Version": API_VERSION, "X-Restli-Protocol-Version": "2.0.0"}
"""The headers of every call; the version has no default."""


def _pages(body: Any) -> list[OwnedAccount]:
    """Return the pages of an answer of `organizationAcls`, which has their URNs and no names."""
    return [OwnedAccount(str(element["organization"]), None) for element in body["elements"]]


def _next_pages(body: Any) -> dict[str, str] | None:
    """Return the parameters of the next page of `organizationAcls`; the last page has no link to a next one."""
    paging = body.get("paging") or {}
    if not any(link.get("rel") == "next" for link in paging.get("links", [])):
        return None
    return {"start": str(int(paging["start"]) + int(paging["count"]))}


def _names(numbers: Sequence[str]) -> Question[Mapping[str, str]]:
    """Return the question for the names of pages, by number."""
    fields = "fields=id,localizedName,vanityName"
    # The parentheses and commas of a list must not be percent-encoded, so the list is a part of the address.
    at = Address("linkedin", f"/rest/organizations?ids=List({','.join(numbers[:_MOST_NAMES])})&{fields}")
    return Question(at, _names_of, headers=HEADERS)


def _names_of(body: Any) -> dict[str, str]:
    names = {number: one.get("vanityName") or one.get("localizedName") for number, one in body["results"].items()}
    return {number: name for number, name in names.items() if isinstance(name, str)}


def _told_scopes(body: Any) -> frozenset[str]:
    """Return the scopes of an answer of `introspectToken`."""
    return split_scopes(body["scope"])


def _names_app(credentials: Mapping[str, object]) -> bool:
    """Tell whether credentials name the app: LinkedIn tells the permissions of a token to its app alone."""
    return "client_id" in credentials and "client_secret" in credentials


_LOGIN = Login(
    authorize=Address("linkedin_login", "/oauth/v2/authorization"),
    token=Address("linkedin_login", "/oauth/v2/accessToken"),
    scopes=("r_organization_social", "rw_organization_admin"),
    owned=Question(
        Address("linkedin", "/rest/organizationAcls"),
        _pages,
        {"q": "roleAssignee", "role": "ADMINISTRATOR", "state": "APPROVED", "count": "100"},
        HEADERS,
        _next_pages,
    ),
    names=_names,
    steps="Log in as a member who is a super admin of the page.",
)

LINKEDIN = PlatformFacts(
    name="linkedin",
    title="LinkedIn",
    api_title="LinkedIn's API for organizations",
    apis={
        "linkedin": Api("https://api.linkedin.com", "Base URL of LinkedIn's API."),
        "linkedin_login": Api(
            "https://www.linkedin.com", "Base URL of LinkedIn's page of consent, and at which it issues tokens."
        ),
    },
    kinds={"post": ("image", "video", "carousel", "text", "link", "document", "other")},
    rate_basis="impressions",
    day_zone="UTC",
    content=ContentFacts(unseen=timedelta(days=180)),
    terms=(
        Term(
            "statistics of pages and their posts",
            "Statistics that name nobody may be kept without a limit.",
            "They are kept for `TIDEMARK_RETENTION_DAYS` and `TIDEMARK_ROLLUP_RETENTION_DAYS`.",
            "*one report*",
        ),
        Term(
            "profiles and activity of members",
            "Profiles of members may be kept for 24 hours, their social activity for 48 hours.",
            "Neither is collected: only numbers and posts of pages are read, and raw answers are not kept.",
            "*one report*",
        ),
    ),
    colours=Colours("#00875f", "#33c796"),
    public_numbers=PublicNumbers(
        accounts=("followers",),
        lends=True,
        notes=("Followers alone are compared: LinkedIn shows no posts of pages of others.",),
        # LinkedIn publishes no number: this is a cautious guess.
        lender_calls_per_day=1_000,
    ),
    account_ids=Ids(
        "give the number of the page, as 5500001 or urn:li:organization:5500001 (in the address of its admin "
        "view, or in `GET /rest/organizationAcls`)",
        _account_id,
    ),
    post_ids=Ids(
        "give the URN of the post, as urn:li:share:7123456789012345678 or urn:li:ugcPost:7123456789012345678 "
        "(the header `x-restli-id` of the publishing call)",
        _post_id,
    ),
    accounts={
        "followers": "firstDegreeSize",
        "reach": "uniqueImpressionsCount",
        "accountImpressions": "impressionCount",
        "profileViews": "allPageViews",
        "netFollowers": "organicFollowerGain + paidFollowerGain",
    },
    posts={
        "likes": "likeCount",
        "comments": "commentCount",
        "shares": "shareCount",
        "impressions": "impressionCount",
        "reach": "uniqueImpressionsCount",
        "clicks": "clickCount",
    },
    public=PublicFacts(
        Ids("give the name in the address of the page, as acme-official, or its number", handles(r"[\w-]{1,100}")),
        PublicTerms(
            allowed=True,
            days=None,
            derived_allowed=True,
            rule="Statistics that name nobody may be kept without a limit.",
            derived_rule="They are not named.",
            deletion="No time is named.",
            source="*one report*",
        ),
    ),
    same_accounts=_same_accounts,
    login=_LOGIN,
    token_permissions=TokenPermissions(
        Question(
            Address("linkedin_login", "/oauth/v2/introspectToken"),
            _told_scopes,
            form={"client_id": "{client_id}", "client_secret": "{client_secret}", "token": "{token}"},
        ),
        (
            Permission(("r_organization_social",), "posts and their numbers"),
            Permission(("rw_organization_admin", "r_organization_admin"), "followers, and the numbers of days"),
        ),
        tells=_names_app,
    ),
)
