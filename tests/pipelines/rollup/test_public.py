"""Watched accounts: their rollups obey the laws of connected ones, in collections of their own."""

from typing import cast

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.documents import AccountDocument, Document
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from tests.examples import tried
from tests.pipelines.rollup.public_reference import PublicReference
from tests.pipelines.rollup.reference import period_of
from tests.pipelines.rollup.test_laws import compare, heals, is_idempotent, same
from tests.pipelines.rollup.worlds import PERIODS, World, worlds

fewer = settings(tried(2, nightly=100), phases=(Phase.explicit, Phase.generate))
"""The laws are tried more often with connected accounts, by the same code (`test_laws.py`)."""


def watched(world: World) -> World:
    """The world with watched accounts in place of the connected ones; these are never disconnected.

    They are watched from the beginning of a day on.
    """
    for one in world.accounts:
        one["connectedAt"] = one["connectedAt"].replace(hour=0, minute=0)
        for name in ("disconnectedAt", "disconnections"):
            one.pop(name, None)  # type: ignore[misc]
        more = {"key": one["handle"], "state": "active", "access": "public", "source": "public"}
        one.update(cast("AccountDocument", more))
    return world


def public_reference(world: World) -> PublicReference:
    return PublicReference(world.accounts, world.posts, world.observations, world.now)


def own_documents(store: Store) -> dict[str, list[Document]]:
    names = (OWN.log, OWN.accounts, OWN.posts, *OWN.rollups, *OWN.marks)
    return {name: list(store.db[name].find().sort("_id", 1)) for name in names}


@given(worlds().map(watched))
@fewer
def test_every_public_rollup_equals_the_reference_and_own_ones_are_untouched(store: Store, world: World) -> None:
    """The connected accounts and their posts have the same ids, so that nothing but the collections differs."""
    world.write(store)
    world.roll_all(store)
    before = own_documents(store)
    world.write(store.public)
    world.roll_all(store.public)
    assert own_documents(store) == before
    public, reference = store.public.rollups, public_reference(world)
    for period in PERIODS:
        for start, end in {period_of(period, start) for start in world.starts(period)}:
            key = {"workspaceId": world.workspace_id, "period": period, "periodStart": start}
            for one in world.accounts:
                subjects = public.subjects.find({**key, "accountId": one["_id"]})
                wanted = reference.subjects(one["_id"], start, end, period)
                same({row["subjectId"]: row["metrics"] for row in subjects}, wanted)
                document = public.accounts.find_one({**key, "accountId": one["_id"]})
                compare(document, reference.account(one["_id"], start, end, period))


@given(worlds(12).map(watched), st.data())
@fewer
def test_late_public_data_marks_again_and_heals(store: Store, world: World, data: st.DataObject) -> None:
    heals(store.public, world, data)


@given(worlds(12).map(watched))
@fewer
def test_the_same_public_data_twice_changes_nothing(store: Store, world: World) -> None:
    is_idempotent(store.public, world)
