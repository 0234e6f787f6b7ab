"""Each account and post has one normal form, however it is spelled; other texts are refused with the right form."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.clock import utcnow
from metrics.documents import PLATFORMS, Platform
from metrics.errors import InvalidInput
from metrics.identity import normal_account_id, normal_post_id, same_account_ids
from metrics.ids import account_id
from simulator.registry import new_world

Normal = Callable[[Platform, str], str]
OPEN_ID = "-000QqNEFOGEvVa1pTKnLNiQvLbnPtuyDKW7"
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
AROUND = ("", " ", "\t", "\r\n", "\u00a0", "\ufeff", "\u200b", "\u200e", "\u202a", "\u2066", "\u2009", "\u3000")
ODD_SIGNS = ("\u0663", "\uff13", "\u00b2", "-", "+", " ", "\0", "\u202e", "\u200b", ".", ",", "_", "e")


@pytest.mark.parametrize(
    ("platform", "text", "normal"),
    [
        ("instagram", "17841400000000001", "17841400000000001"),
        ("instagram", "0017841400000000001", "17841400000000001"),
        ("facebook", "100000000000001", "100000000000001"),
        ("twitter", "0700000007", "700000007"),
        ("pinterest", "01099300727702429000", "1099300727702429000"),
        ("threads", "023000000000000001", "23000000000000001"),
        ("tiktok", OPEN_ID, OPEN_ID),
        ("bluesky", DID, DID),
        ("bluesky", DID.upper(), DID),
        ("bluesky", "did%3Aplc%3Az72i7hdynmk6r22z27h6tvur", DID),
        ("bluesky", "did:web:Acme.example", "did:web:acme.example"),
        ("linkedin", "5500001", "5500001"),
        ("linkedin", "urn:li:organization:5500001", "5500001"),
        ("linkedin", "urn%3Ali%3Aorganization%3A5500001", "5500001"),
        ("linkedin", "URN:LI:Organization:05500001", "5500001"),
        ("linkedin", "urn:li:organizationBrand:5500001", "urn:li:organizationBrand:5500001"),
        ("linkedin", "urn%3Ali%3AorganizationBrand%3A5500001", "urn:li:organizationBrand:5500001"),
        ("youtube", "UC_x5XG1OV2P6uZZ5FSM9Ttw", "UC_x5XG1OV2P6uZZ5FSM9Ttw"),
    ],
)
def test_spellings_of_an_account_are_one(platform: Platform, text: str, normal: str) -> None:
    assert normal_account_id(platform, text) == normal == normal_account_id(platform, normal)


@pytest.mark.parametrize(
    ("platform", "text", "normal"),
    [
        ("instagram", "17912345678901234", "17912345678901234"),
        ("facebook", "100000000000001_122100000000000001", "100000000000001_122100000000000001"),
        ("facebook", "0100_055", "100_55"),
        ("facebook", "122100000000000777", "122100000000000777"),
        ("twitter", "1812345678901234567", "1812345678901234567"),
        ("twitter", "20", "20"),
        ("pinterest", "642396334344813594", "642396334344813594"),
        ("threads", "17912345678901234", "17912345678901234"),
        ("bluesky", f"at://{DID}/app.bsky.feed.post/3l6oveex3ii2l", f"at://{DID}/app.bsky.feed.post/3l6oveex3ii2l"),
        ("linkedin", "urn:li:share:7123", "urn:li:share:7123"),
        ("linkedin", "urn%3Ali%3AugcPost%3A7123", "urn:li:ugcPost:7123"),
        ("linkedin", "urn:li:ugcpost:7123", "urn:li:ugcPost:7123"),
        ("youtube", "D-lhorsDlUQ", "D-lhorsDlUQ"),
        ("youtube", "-_lhorsDlU8", "-_lhorsDlU8"),
    ],
)
def test_spellings_of_a_post_are_one(platform: Platform, text: str, normal: str) -> None:
    assert normal_post_id(platform, text) == normal == normal_post_id(platform, normal)


@pytest.mark.parametrize(
    ("platform", "text", "reason"),
    [
        ("instagram", "acme", "acme is not a whole number"),
        ("instagram", "https://www.instagram.com/acme/", "web address"),
        ("instagram", "www.instagram.com/acme", "web address"),
        ("instagram", "1.78414E+16", "rounded by a spreadsheet"),
        ("instagram", "1,78414E+16", "rounded by a spreadsheet"),
        ("instagram", "", "an empty text"),
        ("instagram", "0", "has the id 0"),
        ("twitter", "@acme", "@acme is not a whole number"),
        ("twitter", "9223372036854775808", "64 bits"),
        ("pinterest", "https://www.pinterest.com/acme", "web address"),
        ("threads", "https://www.threads.net/@acme", "web address"),
        ("threads", "@acme", "@acme is not a whole number"),
        ("tiktok", "@acme", "@acme is a username"),
        ("tiktok", "https://www.tiktok.com/@acme", "it is a web address"),
        ("tiktok", "000 acme", "000 acme is not the `open_id`"),
        ("bluesky", "acme.bsky.social", "acme.bsky.social is not a DID"),
        ("bluesky", "did:plc:abc", "did:plc:abc is not a DID of the AT protocol"),
        ("bluesky", "did:key:z6Mk", "is not a DID of the AT protocol"),
        ("bluesky", "did:web:localhost", "is not a DID of the AT protocol"),
        ("bluesky", "did:web:acme.example:users:7", "is not a DID of the AT protocol"),
        ("linkedin", "acme-inc", "acme-inc is not a whole number"),
        ("linkedin", "urn:li:person:abc", "abc is not a whole number"),
        ("linkedin", "urn:li:person:12", "only pages are collected"),
        ("linkedin", "urn:li:organization:acme", "acme is not a whole number"),
        ("linkedin", "urn:li:organization:", "an empty text"),
        ("linkedin", "https://www.linkedin.com/company/5500001/", "web address"),
        ("youtube", "@googledevelopers", "@googledevelopers is a handle"),
        ("youtube", "https://www.youtube.com/@googledevelopers", "web address"),
        ("youtube", "UUx5XG1OV2P6uZZ5FSM9Ttwx", "is not the id of a channel"),
        ("youtube", "uc_x5XG1OV2P6uZZ5FSM9Ttw", "is not the id of a channel"),
        ("youtube", "UC_x5XG1OV2P6uZZ5FSM9Tt", "is not the id of a channel"),
    ],
)
def test_invalid_account_id_is_refused_with_the_right_form(platform: Platform, text: str, reason: str) -> None:
    refused(normal_account_id, platform, text, reason)


@pytest.mark.parametrize(
    ("platform", "text", "reason"),
    [
        ("twitter", "abc", "abc is not a whole number"),
        ("twitter", "9999999999999999999", "64 bits"),
        ("twitter", "urn:li:share:7123", "urn:li:share:7123 is not a whole number"),
        ("bluesky", "3l6oveex3ii2l", "is not the URI of a post"),
        ("bluesky", f"at://{DID}/app.bsky.feed.like/3l6oveex3ii2l", "is not the URI of a post"),
        ("bluesky", f"at://{DID}/app.bsky.feed.post/", "is not the URI of a post"),
        ("bluesky", "at://acme.example/app.bsky.feed.post/3l6o", "acme.example is not a DID"),
        ("linkedin", "12345", "whether it is a share or a ugcPost"),
        ("linkedin", "urn:li:activity:7123", "an entry of a feed"),
        ("linkedin", "urn:li:comment:7123", "is not the URN of a post"),
        ("linkedin", "urn:li:share:x", "x is not a whole number"),
        ("youtube", "https://youtu.be/D-lhorsDlUQ", "web address"),
        ("youtube", "D-lhorsDlU", "is not the id of a video"),
        ("youtube", "UC_x5XG1OV2P6uZZ5FSM9Ttw", "is not the id of a video"),
        ("linkedin", "https://www.linkedin.com/feed/update/urn:li:share:7/", "a text of 52 characters is not the URN"),
        ("facebook", "pfbid02abc", "pfbid02abc is not a whole number"),
        ("facebook", "1_2_3", "1_2_3 is not a whole number"),
        ("facebook", "_5", "an empty text"),
        ("instagram", "17912345_1784", "17912345_1784 is not a whole number"),
        ("instagram", "C0ffee", "C0ffee is not a whole number"),
        ("pinterest", "https://www.pinterest.com/pin/642396334344813594/", "web address"),
        ("threads", "DAbc_123", "DAbc_123 is not a whole number"),
    ],
)
def test_invalid_post_id_is_refused_with_the_right_form(platform: Platform, text: str, reason: str) -> None:
    refused(normal_post_id, platform, text, reason)


def refused(normal: Normal, platform: Platform, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normal(platform, text)
    message = str(caught.value)
    assert reason in message
    assert "; give " in message
    assert any(sign.isdigit() for sign in message.partition("; give ")[2])
    assert message.isprintable()
    assert message.startswith(f"{caught.value.parameter}: ")


def test_post_of_x_from_the_future_is_refused() -> None:
    def at(instant: datetime) -> str:
        # docs.x.com: the bits above the lowest 22 are milliseconds since 1288834974657.
        return str((int(instant.timestamp() * 1000) - 1_288_834_974_657) << 22)

    past, future = at(utcnow()), at(utcnow() + timedelta(hours=1))
    assert normal_post_id("twitter", past) == past
    with pytest.raises(InvalidInput, match="X has not given it out yet"):
        normal_post_id("twitter", future)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("normal", [normal_account_id, normal_post_id])
@hypothesis.settings(deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=40))
def test_normal_form_is_a_fixed_point_and_plain_text(normal: Normal, platform: Platform, text: str) -> None:
    taken = outcome(normal, platform, text)
    assert taken.isprintable()
    if not taken.startswith("platform"):
        assert normal(platform, taken) == taken
        assert taken.isascii()
        assert " " not in taken


def outcome(normal: Normal, platform: Platform, text: str) -> str:
    """Return the normal form, or the message of the refusal."""
    try:
        return normal(platform, text)
    except InvalidInput as error:
        return str(error)


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "bluesky"])
@pytest.mark.parametrize("normal", [normal_account_id, normal_post_id])
def test_odd_signs_within_a_number_are_refused(normal: Normal, platform: Platform) -> None:
    before = "urn:li:share:" if platform == "linkedin" and normal is normal_post_id else ""
    # Some of the signs belong to YouTube's ids.
    odd = [sign for sign in ODD_SIGNS if platform != "youtube" or sign not in "-_e"]
    texts = [f"{before}12{sign}4{'_5' if sign == '_' else ''}" for sign in odd]
    assert [text for text in texts if not is_refused(normal, platform, text)] == []


def is_refused(normal: Normal, platform: Platform, text: str) -> bool:
    try:
        normal(platform, text)
    except InvalidInput:
        return True
    return False


@pytest.mark.parametrize("platform", PLATFORMS)
def test_blanks_and_marks_around_an_id_are_dropped(platform: Platform) -> None:
    accounts = {"tiktok": OPEN_ID, "youtube": "UC_x5XG1OV2P6uZZ5FSM9Ttw", "bluesky": DID}
    posts = {
        "linkedin": "urn:li:share:7123",
        "youtube": "D-lhorsDlUQ",
        "bluesky": f"at://{DID}/app.bsky.feed.post/3k4s",
    }
    account, post = accounts.get(platform, "7123"), posts.get(platform, "7123")
    for before, after in itertools.product(AROUND, AROUND):
        assert normal_account_id(platform, f"{before}{before}{account}{after}") == account, (before, after)
        assert normal_post_id(platform, f"{before}{post}{after}{after}") == post, (before, after)


def test_token_in_a_wrong_column_is_not_repeated() -> None:
    token = "EAAG" + "x" * 60
    with pytest.raises(InvalidInput) as caught:
        normal_account_id("instagram", token)
    assert token[:10] not in str(caught.value)


def test_forms_of_a_linkedin_page_have_one_id_of_ours() -> None:
    number, brand = "5500001", "urn:li:organizationBrand:5500001"
    assert same_account_ids("linkedin", number) == same_account_ids("linkedin", brand) == (number, brand)
    assert account_id("w", "linkedin", number) == account_id("w", "linkedin", brand)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_simulator_speaks_normal_forms(platform: Platform) -> None:
    world = new_world()
    account = world.account(platform, 7)
    assert normal_account_id(platform, account.platform_account_id) == account.platform_account_id
    posts = world.posts(account, utcnow() - timedelta(days=60), utcnow())
    assert posts
    assert all(normal_post_id(platform, post.platform_post_id) == post.platform_post_id for post in posts)
