"""How many examples a property is tried with: few in every run, many in one that may take hours.

pytest --hypothesis-profile=nightly --timeout 3600 tests/pipelines/platforms tests/pipelines/rollup

A nightly run of one property takes longer than the time limit that `pyproject.toml` sets for a test. A property without
numbers of its own is tried with 30 examples in every run, and with 1,000 in a nightly one.
"""

from hypothesis import HealthCheck, settings

EVERY_RUN, NIGHTLY = "tidemark", "nightly"

# A busy machine takes longer than the 200 ms that an example has by default: time is no matter of these tests.
settings.register_profile(EVERY_RUN, deadline=None, max_examples=30)
settings.register_profile(
    NIGHTLY,
    deadline=None,
    max_examples=1_000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def tried(examples: int, nightly: int) -> settings:
    """Return settings for a property: so many examples in every run, and so many in a nightly one.

    Nothing is remembered between runs: an example that failed is told of in full, with the command to repeat it.
    """
    return settings(
        max_examples=nightly if settings.get_current_profile_name() == NIGHTLY else examples,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
        ],
    )  # fmt: skip
