"""Formulas are accepted into a normal form with a unit, or refused with the position and the reason."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.definitions.language.checker import check
from metrics.definitions.language.parser import parse
from metrics.definitions.language.tree import Refused
from metrics.definitions.language.units import kind_of
from metrics.definitions.language.vocabulary import RESERVED, Vocabulary
from metrics.errors import InvalidInput

WORKSPACE = Vocabulary(
    "w1",
    {
        "one": "two + likes",
        "two": "one + saves",
        "loved": "likes + 2 * saves",
        "rate": "percent(saves, views)",
        "d1": "likes", "d2": "d1", "d3": "d2", "d4": "d3", "d5": "d4", "d6": "d5",
        "broken": "likes + savez",
    },
    {"acc_north": "instagram", "acc_talk": "linkedin"},
    {},
)  # fmt: skip

ACCEPTED = [
    ("percent(saves, views)", "percent(saves, views)", "percent"),
    ("100 * saves / views", "(100 * saves) / views", "ratio"),
    ("2 * percent(saves, views) / 4", "0.5 * (percent(saves, views))", "percent"),
    ("(3 * comments + 5 * shares + likes) / postCount", "(3 * comments + 5 * shares + likes) / postCount", "ratio"),
    ("percent(views{metricType=reel}, views)", "percent(views{metricType=reel}, views)", "percent"),
    ("views{platform=instagram,facebook} + impressions{platform=twitter}",
     "views{platform=facebook,instagram} + impressions{platform=twitter}", "count"),
    ("percent(engagement, avg(followers))", "percent(offered(likes + comments + shares + saves), avg(followers))",
     "percent"),
    ("engagement / followers", "offered(likes + comments + shares + saves) / close(followers)", "per person"),
    ("close(followers) - open(followers)", "close(followers) - open(followers)", "people"),
    ("unique(account.reach)", "unique(account.reach)", "people"),
    ("unique(weeklyReach)", "unique(weeklyReach)", "people"),
    ("reach", "reach", "people"),
    ("loved / 2 - likes / 2", "saves", "count"),
    ("watchTime / views", "watchTime / views", "milliseconds per count"),
    ("newFollowers / profileViews", "newFollowers / profileViews", "people per count"),
    ("-(likes - 0.25 * saves)", "-likes + 0.25 * saves", "count"),
    ("likes / 3", "1 / 3 * likes", "count"),
    ("offered(accountLikes + accountShares)", "offered(accountLikes + accountShares)", "count"),
    ("offered(saves + shares){metricType=reel; platform=instagram}",
     "offered(saves + shares){platform=instagram; metricType=reel}", "count"),
    ("d5", "likes", "count"),
    ("account.followers", "close(followers)", "people"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "normal", "unit"), ACCEPTED)
def test_accepted_formula_has_a_normal_form_and_a_unit(expression: str, normal: str, unit: str) -> None:
    checked = check(expression, WORKSPACE)
    assert (str(checked.form), checked.unit) == (normal, unit)


REFUSED = [
    # Each row has the formula, the position of its fault, and a part of the reason that is given.
    ("", 1, "the expression is empty: write a metric"),
    ("x" * 10**6, 1001, "at most 1,000 characters, this one 1,000,000"),
    ("(" * 30 + "likes", 21, "nested more than 20 deep"),
    ("likes +", 8, "the expression ends here, where a metric, a number or ( should stand"),
    ("(likes", 7, "the ) that closes the bracket of character 1"),
    ("likes likes", 7, "l stands where an operator"),
    ("likes ^ 2", 7, "there are no powers"),
    ("saves % views", 7, "write percent(a, b)"),
    ("saves ÷ views", 7, "write /"),
    ("1234567890123456 * likes", 1, "a number has at most 15 digits"),
    ("savez", 1, "there is no metric savez: did you mean saves?"),
    ("likes + Views", 9, "did you mean views?"),
    ("totalLikes", 1, "did you mean likes?"),
    ("engagementRate", 1, "write percent(engagement, views)"),
    ("account.likes", 1, "accounts have no metric likes"),
    ("views{plattform=instagram}", 7, "there is no label plattform: did you mean platform?"),
    ("views{platform=instagramm}", 16, "did you mean instagram?"),
    ("views{account=acc_nort}", 15, "did you mean acc_north"),
    ("views{metricType=reel; metricType=story}", 24, "metricType is given twice"),
    ("followers{contentType=video}", 11, "contentType selects posts, leave it out"),
    ("likes{campaign=spring}", 16, "there is no campaign spring: the workspace has no campaign"),
    ("likes + followers", 9, "people are added to count: all terms of a sum have one unit"),
    ("unique(account.reach) + unique(account.reach)", 8, "counts people, who do not add up"),
    ("account.reach", 1, "write unique(account.reach), for one account"),
    ("unique(account.reach{account=acc_north,acc_talk})", 8, "must select one account"),
    ("unique(reach)", 8, "write unique(account.reach)"),
    ("open(posts) + close(posts)", 21, "a level, which is never added over time"),
    ("avg(likes)", 5, "avg is for levels of accounts: followers, following"),
    ("avg(followers + following)", 5, "takes the name of one metric"),
    ("saves{platform=linkedin}", 16, "linkedin does not offer saves: leave it out"),
    ("offered(accountLikes + accountShares){account=acc_north}", 47, "acc_north is an account of instagram"),
    ("saves{account=acc_talk}", 15, "an account of linkedin, which does not offer saves"),
    ("likes{account=acc_talk; platform=twitter}", 15, "which the label platform leaves out"),
    ("replies{metricType=reel}", 1, "no platform offers replies{metricType=reel}"),
    ("percent(views{metricType=reel}, views{metricType=story})", 9, "leave no post in common"),
    ("saves / views + likes / views", 1, "a ratio is added"),
    ("likes / (saves / views)", 10, "a ratio of a ratio"),
    ("rate / likes", 1, "rate is a ratio, and a formula may name sums only"),
    ("likes * views", 7, "metrics are multiplied: only a constant factor may be"),
    ("likes + 5", 9, "a constant is added to a metric"),
    ("100 / views", 1, "a constant is divided by a metric"),
    ("likes / 0", 9, "a division by 0"),
    ("0 * likes", 3, "a factor is 0"),
    ("likes - likes", 7, "the terms cancel each other"),
    ("42", 1, "a constant is no metric"),
    ("999999999999999 * 999999999999999 * likes", 17, "a factor is not between"),
    ("sum(likes)", 1, "there is no function sum: "),
    ("percent(saves)", 1, "percent takes two arguments, as percent(saves, views); here are 1"),
    ("percent(saves, 3)", 16, "each side of percent is a sum of metrics, this one is a constant"),
    ("percent(watchTime, views)", 1, "percent of milliseconds and count says nothing"),
    ("offered(likes{platform=twitter} + saves)", 9, "labels stand behind it"),
    ("offered(likes + 2 * saves)", 9, "offered takes a sum of metrics alone"),
    ("offered(reach)", 9, "but no people"),
    ("one", 1, "definitions name each other in a circle: one -> two -> one"),
    ("d6", 1, "definitions stand more than 5 deep in each other"),
    ("likes + broken", 9, "broken is not accepted itself: there is no metric savez"),
    ("loved{platform=instagram}", 7, "loved is a definition and takes no labels"),
    ("__import__('os').system('true')", 12, "' stands where"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "at", "reason"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_wrong_formula_is_refused_with_position_and_reason(expression: str, at: int, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        check(expression, WORKSPACE)
    assert (refused.value.at, reason in refused.value.reason) == (at, True), str(refused.value)
    assert str(refused.value).startswith(f"expression: character {at}: ")
    assert len(str(refused.value).splitlines()) == 1


def test_definition_that_names_itself_is_refused() -> None:
    with pytest.raises(Refused, match="circle: loved -> loved"):
        check("loved + likes", WORKSPACE, name="loved")


def test_given_unit_must_be_that_of_the_expression() -> None:
    assert check("saves", WORKSPACE, unit="count").unit == "count"
    with pytest.raises(InvalidInput, match="unit: the expression is in ratio: write that, or leave unit out, or write"):
        check("100 * saves / views", WORKSPACE, unit="percent")


def test_uses_of_definitions_are_told() -> None:
    assert check("loved + d2", WORKSPACE).uses == {"loved", "d2", "d1"}


def test_accounts_are_not_looked_for_in_a_stored_definition() -> None:
    stored = Vocabulary("w1", {}, None)
    assert str(check("likes{account=acc_gone}", stored).form) == "likes{account=acc_gone}"


def test_equal_terms_are_one_term() -> None:
    checked = check("views{platform=facebook,instagram} + 2 * views{platform=instagram,facebook}", WORKSPACE)
    assert [one.factor for one in checked.form.over.summands] == [Fraction(3)]


def refusal(call: Callable[..., object], *arguments: object) -> Refused | None:
    """Return the refusal of a call, or None if it accepts its arguments."""
    try:
        call(*arguments)
    except Refused as error:
        return error
    return None


@given(st.text(alphabet="likesvew+-*/(){}=;,.0123456789 _^\n\x00é", max_size=60))
def test_any_text_is_parsed_or_refused_at_a_position_within_it(text: str) -> None:
    refused = refusal(parse, text)
    assert refused is None or 1 <= refused.at <= len(text) + 1


@given(st.text(max_size=40))
def test_any_text_is_accepted_or_refused_in_one_line(text: str) -> None:
    refused = refusal(check, text, WORKSPACE)
    assert refused is None or str(refused).isprintable()


def test_normal_form_is_itself_accepted_and_equal() -> None:
    for expression, *_ in ACCEPTED:
        form = check(expression, WORKSPACE).form
        again = check(str(form), WORKSPACE).form
        assert (again.over, again.under, again.constant) == (form.over, form.under, form.constant)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("likes - 2 * comments", "counter"),
        ("accountViews", "period_sum"),
        ("likes + postCount", "period_sum"),
        ("close(followers) - open(followers)", "gauge"),
        ("unique(account.reach)", "period_unique"),
        ("reach", "counter"),
        ("percent(likes, views)", "ratio"),
    ],
)
def test_kind_follows_from_the_terms(expression: str, kind: str) -> None:
    assert kind_of(check(expression, Vocabulary()).form) == kind


def test_names_of_the_catalog_are_reserved() -> None:
    assert {"likes", "followers", "engagement", "postCount", "percent", "platform"} <= RESERVED
