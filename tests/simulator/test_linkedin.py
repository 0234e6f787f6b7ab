"""The simulated LinkedIn over HTTP: recorded shapes, versions, strict parameters, omissions, limits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from simulator import truth
from simulator.world import SimPost
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

HEADERS = {"Linkedin-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"}
DAY_MS = 86_400_000
MIDNIGHT = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp() * 1000)


def ask(api: Simulator, path: str, query: str = "", **headers: str | None) -> httpx.Response:
    account = api.world.account("linkedin", 0)
    urn = quote(f"urn:li:organization:{account.platform_account_id}", safe="")
    sent = {**HEADERS, "Authorization": f"Bearer {account.token}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    for name in [name for name, value in headers.items() if value is None]:
        del sent[name.replace("_", "-")]
    url = f"{api.url}/rest/{path}?{query}".replace("{urn}", urn).replace("{id}", account.platform_account_id)
    return api.client.get(url, headers=sent)


def posts(api: Simulator, days: int = 60) -> list[SimPost]:
    account = api.world.account("linkedin", 0)
    return [p for p in api.world.posts(account, NOW - timedelta(days=days), NOW) if p.visible(NOW)]


STATISTICS = "q=organizationalEntity&organizationalEntity={urn}"


def interval(days: int = 3, shift: int = 0) -> str:
    start, end = MIDNIGHT + shift, MIDNIGHT + days * DAY_MS
    return f"timeIntervals=(timeRange:(start:{start},end:{end}),timeGranularityType:DAY)"


def test_page_statistics_count_views_as_recorded(fixtures: Path, api: Simulator) -> None:
    found = ask(api, "organizationPageStatistics", "q=organization&organization={urn}").json()
    views = found["elements"][0]["totalPageStatistics"]["views"]
    wanted = recorded(fixtures, "linkedin/ebx_page_statistics_lifetime")["elements"][0]["pageStatisticsBySeniority"][0]
    assert set(views) <= set(wanted["pageStatistics"]["views"])
    assert views["allPageViews"]["pageViews"] == sum(
        views[name]["pageViews"] for name in ("allDesktopPageViews", "allMobilePageViews")
    )


def test_post_and_organization_have_fields_of_the_recorded_ones(fixtures: Path, api: Simulator) -> None:
    found = ask(api, f"posts/{quote(posts(api)[-1].platform_post_id, safe='')}").json()
    assert set(found) - {"content"} <= set(recorded(fixtures, "linkedin/ebx_post_video_dark"))
    wanted = recorded(fixtures, "linkedin/airbyte_organization_lookup")
    organization = ask(api, "organizations/{id}").json()
    assert {name: type(organization[name]) for name in organization} == {
        name: type(wanted[name]) for name in organization
    }


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Linkedin_Version": None}, 400, "VERSION_MISSING"),
        ({"Linkedin_Version": "202411"}, 426, "NONEXISTENT_VERSION"),
        ({"Authorization": "Bearer nonsense"}, 401, "INVALID_ACCESS_TOKEN"),
    ],
)
def test_headers_are_required(api: Simulator, headers: dict[str, str | None], status: int, code: str) -> None:
    answer = ask(api, "networkSizes/{urn}", "edgeType=COMPANY_FOLLOWED_BY_MEMBER", **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_protocol_that_does_not_exist_is_refused(api: Simulator) -> None:
    answer = ask(api, "networkSizes/{urn}", "edgeType=COMPANY_FOLLOWED_BY_MEMBER", X_Restli_Protocol_Version="3.0.0")
    assert (answer.status_code, "3.0.0" in answer.json()["message"]) == (400, True)


ONE: dict[str, str | None] = {"X_Restli_Protocol_Version": None}
"""Headers without a protocol version, for which Rest.li 1.0 applies."""


def bare(api: Simulator) -> str:
    return f"urn:li:organization:{api.world.account('linkedin', 0).platform_account_id}"


def test_call_without_a_protocol_is_rest_li_1(api: Simulator) -> None:
    query = "edgeType=COMPANY_FOLLOWED_BY_MEMBER"
    named = ask(api, f"networkSizes/{bare(api)}", query, X_Restli_Protocol_Version="1.0.0")
    for answer in (ask(api, f"networkSizes/{bare(api)}", query, **ONE), ask(api, "networkSizes/{urn}", query, **ONE)):
        assert (answer.status_code, answer.json()) == (200, named.json())
        assert answer.headers["x-restli-protocol-version"] == "1.0.0"
    assert ask(api, "networkSizes/{urn}", query).headers["x-restli-protocol-version"] == "2.0.0"


def test_intervals_and_lists_of_rest_li_1_mean_what_those_of_2_do(api: Simulator) -> None:
    path, shares = "organizationalEntityShareStatistics", [
        p.platform_post_id for p in posts(api) if p.platform_post_id.startswith("urn:li:share")
    ][:2]  # fmt: skip
    finder = f"q=organizationalEntity&organizationalEntity={bare(api)}"
    start, end = MIDNIGHT, MIDNIGHT + 3 * DAY_MS
    dotted = (
        f"{finder}&timeIntervals.timeRange.start={start}&timeIntervals.timeRange.end={end}"
        "&timeIntervals.timeGranularityType=DAY"
    )
    assert ask(api, path, dotted, **ONE).json() == ask(api, path, f"{STATISTICS}&{interval()}").json()
    of_two = ask(api, path, f"{STATISTICS}&shares=List({','.join(quote(one, safe='') for one in shares)})").json()
    assert len(of_two["elements"]) == 2
    numbered = "&".join(f"shares[{place}]={urn}" for place, urn in enumerate(shares))
    repeated = "&".join(f"shares={urn}" for urn in shares)
    for query in (numbered, repeated, numbered.replace("[", "%5B").replace("]", "%5D")):
        assert ask(api, path, f"{finder}&{query}", **ONE).json() == of_two


def test_ids_of_rest_li_1_are_a_name_that_comes_again(api: Simulator) -> None:
    here, gone = posts(api)[-1].platform_post_id, "urn:li:share:7999990000000000000"
    body = ask(api, "posts", f"ids={here}&ids={gone}", **ONE).json()
    assert (list(body["results"]), body["statuses"]) == ([here], {here: 200, gone: 404})
    assert list(ask(api, "posts", f"ids={here}", **ONE).json()["results"]) == [here]


@pytest.mark.parametrize(
    "query",
    [
        f"timeIntervals=(timeRange:(start:{MIDNIGHT},end:{MIDNIGHT + DAY_MS}),timeGranularityType:DAY)",
        "timeIntervals.timeRange=1&timeIntervals.timeRange.start=2",
        "timeIntervals.timeRange.start=2&timeIntervals.timeRange=1",
        "shares[x]=urn:li:share:1",
        "shares[0]=urn:li:share:1&shares.a=1",
        "shares=List(urn:li:share:1)",
    ],
)
def test_syntax_of_rest_li_2_is_none_of_1(api: Simulator, query: str) -> None:
    finder = f"q=organizationalEntity&organizationalEntity={bare(api)}"
    answer = ask(api, "organizationalEntityShareStatistics", f"{finder}&{query}", **ONE)
    assert (answer.status_code, answer.json()["code"]) == (400, "ILLEGAL_ARGUMENT")


def test_bare_urn_is_none_of_rest_li_2(api: Simulator) -> None:
    """Other authors measured that the API refuses raw colons in paths and finders."""
    path = ask(api, f"networkSizes/{bare(api)}", "edgeType=COMPANY_FOLLOWED_BY_MEMBER")
    assert (path.status_code, path.json()["message"]) == (400, "Syntax exception in path variables")
    finder = f"q=organizationalEntity&organizationalEntity={bare(api)}"
    assert ask(api, "organizationalEntityFollowerStatistics", finder).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        interval(shift=3_600_000),
        interval(days=0),
        interval(days=430),
        "timeIntervals=%28timeRange:%28start:1,end:2%29,timeGranularityType:DAY%29",
        "shares=List(urn:li:share:1)",
        "shares=List(urn%3Ali%3AugcPost%3A1)",
        "shares=urn%3Ali%3Ashare%3A1",
    ],
)
def test_parameters_are_read_strictly(api: Simulator, query: str) -> None:
    assert ask(api, "organizationalEntityShareStatistics", f"{STATISTICS}&{query}").status_code == 400


def test_days_are_complete_two_days_later_and_gains_fall(api: Simulator) -> None:
    found = ask(api, "organizationalEntityFollowerStatistics", f"{STATISTICS}&{interval(days=10)}").json()["elements"]
    days = [datetime.fromtimestamp(one["timeRange"]["start"] / 1000, UTC).date() for one in found]
    assert days[-1] == NOW.date() - timedelta(days=2)
    year = f"timeIntervals=(timeRange:(start:{MIDNIGHT - 300 * DAY_MS},end:{MIDNIGHT}),timeGranularityType:DAY)"
    gains = ask(api, "organizationalEntityFollowerStatistics", f"{STATISTICS}&{year}").json()["elements"]
    assert any(one["followerGains"]["organicFollowerGain"] < 0 for one in gains)


def of_spans(api: Simulator, resource: str, granularity: str, days: int) -> httpx.Response:
    start = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp() * 1000)
    asked = f"timeIntervals=(timeRange:(start:{start},end:{start + days * DAY_MS}),timeGranularityType:{granularity})"
    return ask(api, resource, f"{STATISTICS}&{asked}")


@pytest.mark.parametrize(("granularity", "lengths"), [("WEEK", [7, 7, 7, 7, 7]), ("MONTH", [30, 5])])
def test_gains_of_weeks_and_months_are_those_of_their_days(
    api: Simulator, granularity: str, lengths: list[int]
) -> None:
    path = "organizationalEntityFollowerStatistics"
    days, spans = (of_spans(api, path, one, 35).json()["elements"] for one in ("DAY", granularity))
    assert [(s["timeRange"]["end"] - s["timeRange"]["start"]) // DAY_MS for s in spans] == lengths
    for name in ("organicFollowerGain", "paidFollowerGain"):
        assert sum(s["followerGains"][name] for s in spans) == sum(d["followerGains"][name] for d in days)


def test_shares_come_by_month_and_not_by_week(api: Simulator) -> None:
    path = "organizationalEntityShareStatistics"
    (month,) = of_spans(api, path, "MONTH", 30).json()["elements"]
    days = [one["totalShareStatistics"] for one in of_spans(api, path, "DAY", 30).json()["elements"]]
    totals = month["totalShareStatistics"]
    assert totals["impressionCount"] == sum(day["impressionCount"] for day in days)
    assert totals["uniqueImpressionsCount"] >= max(day.get("uniqueImpressionsCount", 0) for day in days)
    assert of_spans(api, path, "WEEK", 28).status_code == 400


def test_social_metadata_counts_reactions_and_comments(api: Simulator) -> None:
    post = posts(api)[0]
    urn = post.platform_post_id
    gone = "urn:li:share:7999990000000000000"
    body = ask(api, "socialMetadata", f"ids=List({quote(urn, safe='')},{quote(gone, safe='')})").json()
    assert body["statuses"] == {urn: 200, gone: 404}
    found = body["results"][urn]
    assert found["commentSummary"]["count"] == truth.post_value(api.world, post, "commentCount", NOW)
    assert found["reactionSummaries"]["LIKE"]["count"] == truth.post_value(api.world, post, "likeCount", NOW)
    assert ask(api, f"socialMetadata/{quote(urn, safe='')}").json() == found


def test_dotted_parameters_mean_the_same(api: Simulator) -> None:
    dotted = (
        f"timeIntervals.timeRange.start={MIDNIGHT}&timeIntervals.timeRange.end={MIDNIGHT + 3 * DAY_MS}"
        "&timeIntervals.timeGranularityType=DAY"
    )
    path = "organizationalEntityFollowerStatistics"
    assert ask(api, path, f"{STATISTICS}&{dotted}").json() == ask(api, path, f"{STATISTICS}&{interval()}").json()


def test_posts_without_activity_are_left_out(api: Simulator) -> None:
    chosen = next(p for p in posts(api) if p.platform_post_id.startswith("urn:li:share"))
    urns = ",".join(quote(one, safe="") for one in (chosen.platform_post_id, "urn:li:share:7999990000000000000"))
    found = ask(api, "organizationalEntityShareStatistics", f"{STATISTICS}&shares=List({urns})").json()["elements"]
    (element,) = found
    assert element["share"] == chosen.platform_post_id
    wanted = truth.post_value(api.world, chosen, "impressionCount", NOW)
    assert abs(element["totalShareStatistics"]["impressionCount"] - wanted) <= 1


def test_list_of_what_is_no_urn_is_refused(api: Simulator) -> None:
    assert ask(api, "posts", "ids=List((a:b))").status_code == 400
    assert ask(api, "organizationalEntityShareStatistics", f"{STATISTICS}&shares=List((a:b))").status_code == 400


def test_batch_names_what_is_not_there(api: Simulator) -> None:
    here, gone = posts(api)[-1].platform_post_id, "urn:li:share:7999990000000000000"
    body = ask(api, "posts", f"ids=List({quote(here, safe='')},{quote(gone, safe='')})").json()
    assert list(body["results"]) == [here]
    assert body["statuses"] == {here: 200, gone: 404}


def test_throttled_says_nothing_of_when(api: Simulator) -> None:
    api.set_faults({"kind": "app_limit", "times": 1})
    answer = ask(api, "networkSizes/{urn}", "edgeType=COMPANY_FOLLOWED_BY_MEMBER")
    assert (answer.status_code, answer.json()["serviceErrorCode"]) == (429, 101)
    assert not {"retry-after", "x-rate-limit-reset"} & set(answer.headers)
    assert answer.headers["x-restli-error-response"] == "true"


def test_organizations_are_found_by_name_and_by_ids(api: Simulator) -> None:
    account = api.world.account("linkedin", 0)
    own, name = account.platform_account_id, account.handle.replace(".", "-")
    found = ask(api, "organizations", f"q=vanityName&vanityName={name}&fields=id,vanityName").json()
    assert found["elements"] == [{"id": int(own), "vanityName": name}]
    batch = ask(api, "organizations", f"ids=List({own},1)").json()
    assert (set(batch["results"]), set(batch["errors"]), batch["statuses"]["1"]) == ({own}, {"1"}, 404)


def test_social_actions_count_the_same(api: Simulator) -> None:
    urn = posts(api)[0].platform_post_id.replace(":", "%3A")
    actions, metadata = (ask(api, f"{name}/{urn}").json() for name in ("socialActions", "socialMetadata"))
    wanted = metadata["commentSummary"]["count"]
    assert abs(actions["commentsSummary"]["aggregatedTotalComments"] - wanted) <= 1
    assert ask(api, f"socialActions/{urn}/comments").json()["elements"] == []
    assert ask(api, "socialActions/urn%3Ali%3Ashare%3A1").status_code == 404


def unversioned(api: Simulator, path: str, number: int = 0, **more: str) -> httpx.Response:
    token = api.world.account("linkedin", number).token
    return api.client.get(f"/v2/{path}", headers={"Authorization": f"Bearer {token}", **more})


def test_token_tells_whose_it_is(api: Simulator) -> None:
    (mine, other), claims = (unversioned(api, "me", n).json() for n in (0, 1)), unversioned(api, "userinfo").json()
    assert mine["id"] != other["id"]
    assert (claims["sub"], claims["name"]) == (
        mine["id"],
        f"{mine['localizedFirstName']} {mine['localizedLastName']}",
    )
    assert claims["locale"] == {"country": "US", "language": "en"}
    assert unversioned(api, "me?projection=(id,firstName(localized))").json() == {
        "id": mine["id"], "firstName": mine["firstName"]
    }  # fmt: skip
    assert ask(api, "me").json() == mine
    assert unversioned(api, "me/friends").status_code == unversioned(api, "people").status_code == 404
    refused = api.client.get("/v2/userinfo", headers={"Authorization": "Bearer nonsense"})
    assert (refused.status_code, refused.json()["serviceErrorCode"]) == (401, 65600)


def test_access_control_names_the_organization_and_its_administrator(api: Simulator) -> None:
    own, person = bare(api), unversioned(api, "me").json()["id"]
    wanted = {
        "organization": own, "role": "ADMINISTRATOR", "state": "APPROVED", "roleAssignee": f"urn:li:person:{person}"
    }  # fmt: skip
    asked = "q=roleAssignee&role=ADMINISTRATOR&state=APPROVED"
    assert ask(api, "organizationAcls", asked).json()["elements"] == [wanted]
    assert ask(api, "organizationAcls", "q=organization&organization={urn}").json()["elements"] == [wanted]
    assert ask(api, "organizationAcls", "q=roleAssignee&role=ANALYST").json()["elements"] == []
    for wrong in ("", "q=nonsense", "q=roleAssignee&role=KING", "q=roleAssignee&state=MAYBE", "q=organization"):
        assert ask(api, "organizationAcls", wrong).status_code == 400
    foreign = quote("urn:li:organization:90000001", safe="")
    assert ask(api, "organizationAcls", f"q=organization&organization={foreign}").status_code == 403


def test_others_organizations_are_told_in_a_few_fields(api: Simulator) -> None:
    other = api.world.account("linkedin", 105)
    name = other.handle.replace(".", "-")
    found = ask(api, f"organizationsLookup/{other.platform_account_id}").json()
    assert (found["vanityName"], found["localizedName"]) == (name, other.handle.replace(".", " ").title())
    assert ask(api, "organizations", f"q=vanityName&vanityName={name}").json()["elements"] == [found]
    assert ask(api, "organizations", "q=vanityName&vanityName=nobody").json()["elements"] == []
    batch = ask(api, "organizationsLookup", f"ids=List({other.platform_account_id},1)").json()
    assert (batch["results"], batch["statuses"]["1"]) == ({other.platform_account_id: found}, 404)
    refused = ask(api, f"organizations/{other.platform_account_id}")
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_DENIED")
    batch = ask(api, "organizations", f"ids=List({other.platform_account_id})").json()
    assert batch["errors"][other.platform_account_id]["status"] == 403
    mine = ask(api, "organizations/{id}").json()
    assert found.keys() == mine.keys() - {"defaultLocale"}


def test_followers_of_the_member_are_counted(api: Simulator) -> None:
    account = api.world.account("linkedin", 0)
    (total,) = ask(api, "memberFollowersCount", "q=me").json()["elements"]
    wanted = truth.account_value(api.world, account, "memberFollowersCount", NOW)
    assert total == {"memberFollowersCount": wanted}
    days = "q=dateRange&dateRange=(start:(year:2026,month:10,day:30),end:(year:2026,month:11,day:2))"
    found = ask(api, "memberFollowersCount", days).json()["elements"]
    assert [one["dateRange"]["start"]["day"] for one in found] == [30, 31, 1]
    assert found[1]["dateRange"]["end"] == {"year": 2026, "month": 11, "day": 1}
    day = datetime(2026, 10, 31, tzinfo=UTC).date()
    assert found[1]["memberFollowersCount"] == truth.day_value(api.world, account, "memberFollowersCount", day)
    dotted = "&".join(
        f"dateRange.{end}.{part}={value}"
        for end, parts in (("start", (2026, 10, 30)), ("end", (2026, 11, 2)))
        for part, value in zip(("year", "month", "day"), parts, strict=True)
    )
    assert ask(api, "memberFollowersCount", f"q=dateRange&{dotted}", **ONE).json()["elements"] == found
    for wrong in (
        "q=dateRange",
        days.replace("month:11", "month:13"),
        days.replace("month:11,day:2", "month:10,day:30"),
    ):
        assert ask(api, "memberFollowersCount", wrong).status_code == 400


def introspected(api: Simulator, **form: str) -> httpx.Response:
    sent = {"client_id": "c", "client_secret": "s", "token": api.world.account("linkedin", 0).token, **form}
    return api.client.post("/oauth/v2/introspectToken", data=sent)


def test_introspection_tells_what_a_token_is_worth(api: Simulator) -> None:
    body = introspected(api).json()
    assert (body["active"], body["status"], body["auth_type"], body["client_id"]) == (True, "active", "3L", "c")
    assert body["created_at"] <= NOW.timestamp() < body["expires_at"]
    assert "r_organization_social" in body["scope"].split(",")
    assert introspected(api, token="nonsense").json() == {"active": False}
    api.set_faults({"kind": "expired_token", "times": 1})
    assert ask(api, "organizations/{id}").status_code == 401
    body = introspected(api).json()
    assert (body["active"], body["status"]) == (False, "expired")
    refused = introspected(api, client_secret="")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_link_to_the_next_page_has_the_whole_query(api: Simulator) -> None:
    found, path = [], "/rest/posts?q=author&author={urn}&count=3".replace("{urn}", quote(bare(api), safe=""))
    headers = {**HEADERS, "Authorization": f"Bearer {api.world.account('linkedin', 0).token}"}
    for _ in range(3):
        body = api.client.get(path, headers=headers).json()
        found += [one["id"] for one in body["elements"]]
        (path,) = (link["href"] for link in body["paging"]["links"])
    assert len(set(found)) == 9
