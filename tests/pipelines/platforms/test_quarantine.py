"""Tests of the quarantine: refusals for one post, for one account and for everybody are distinguished."""

from pipelines.platforms.quarantine import Quarantine, Refused

REFUSED = Refused("views", "post", "image", "no such metric")


def test_posts_of_two_accounts_agree_for_everybody() -> None:
    quarantine = Quarantine()
    quarantine.refuse(REFUSED, "a", "1")
    assert not quarantine.is_refused(*REFUSED.key)
    quarantine.refuse(REFUSED, "b", "2")
    assert quarantine.is_refused(*REFUSED.key)
    assert quarantine.new(whole=False) == [REFUSED]


def test_one_account_is_enough_only_in_a_run_over_all_accounts() -> None:
    quarantine = Quarantine()
    for post in ("1", "2", "3"):
        quarantine.refuse(REFUSED, "a", post)
    assert not quarantine.is_refused(*REFUSED.key)
    assert (quarantine.new(whole=False), quarantine.new(whole=True)) == ([], [REFUSED])


def test_one_post_of_one_account_is_never_enough() -> None:
    quarantine = Quarantine()
    quarantine.refuse(REFUSED, "a", "1")
    assert quarantine.new(whole=True) == []


def test_a_post_that_has_the_metric_keeps_its_kind_out_of_quarantine() -> None:
    quarantine = Quarantine()
    for account in "abc":
        quarantine.refuse(REFUSED, account, "1")
    quarantine.accept(*REFUSED.key)
    assert not quarantine.is_refused(*REFUSED.key)
    assert quarantine.new(whole=True) == []


def test_one_caller_retries_and_an_answered_metric_leaves_quarantine() -> None:
    quarantine = Quarantine(lambda _: True)
    quarantine.load_stored([REFUSED])
    assert [quarantine.should_retry(*REFUSED.key) for _ in range(3)] == [True, False, False]
    quarantine.accept(*REFUSED.key)
    assert not quarantine.is_refused(*REFUSED.key)
    assert quarantine.lifted == [REFUSED]
