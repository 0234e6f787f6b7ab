"""Refusals of one post, of one account and of everybody are told apart."""

from pipelines.platforms.quarantine import Quarantine, Refused

REFUSED = Refused("views", "post", "image", "no such metric")


def test_posts_of_two_accounts_agree_for_everybody() -> None:
    quarantine = Quarantine()
    quarantine.refuse(REFUSED, "a", "1")
    assert not quarantine.holds(*REFUSED.key)
    quarantine.refuse(REFUSED, "b", "2")
    assert quarantine.holds(*REFUSED.key)
    assert quarantine.new(whole=False) == [REFUSED]


def test_one_account_convicts_alone_only_where_everybody_was_asked() -> None:
    quarantine = Quarantine()
    for post in ("1", "2", "3"):
        quarantine.refuse(REFUSED, "a", post)
    assert not quarantine.holds(*REFUSED.key)
    assert (quarantine.new(whole=False), quarantine.new(whole=True)) == ([], [REFUSED])


def test_one_post_of_one_account_convicts_never() -> None:
    quarantine = Quarantine()
    quarantine.refuse(REFUSED, "a", "1")
    assert quarantine.new(whole=True) == []


def test_a_post_that_has_the_metric_acquits_its_kind() -> None:
    quarantine = Quarantine()
    for account in "abc":
        quarantine.refuse(REFUSED, account, "1")
    quarantine.accept(*REFUSED.key)
    assert not quarantine.holds(*REFUSED.key)
    assert quarantine.new(whole=True) == []


def test_what_is_answered_again_is_lifted_and_one_caller_tries() -> None:
    quarantine = Quarantine(lambda _: True)
    quarantine.know([REFUSED])
    assert [quarantine.to_try(*REFUSED.key) for _ in range(3)] == [True, False, False]
    quarantine.accept(*REFUSED.key)
    assert not quarantine.holds(*REFUSED.key)
    assert quarantine.lifted == [REFUSED]
