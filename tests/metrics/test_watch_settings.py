"""The settings of watched accounts: a schedule that is none is refused when the settings are read."""

import pytest

from metrics.errors import SettingsError
from metrics.settings import load_settings


@pytest.mark.parametrize("text", ["10 6 * * *", "10 6,14 * * *", "*/30 6-8 1 1-6/2 0", "  10  6 * * *  "])
def test_cron_expression_is_accepted(text: str) -> None:
    assert load_settings(_env_file=None, watch_schedule=text).watch_schedule == " ".join(text.split())


@pytest.mark.parametrize(
    "text", ["", "daily", "10 6 * *", "60 6 * * *", "10 24 * * *", "10 8-6 * * *", "10 6 0 * *", "a 6 * * *"]
)
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(
        SettingsError, match="TIDEMARK_WATCH_SCHEDULE: must be a cron expression of five fields, such as"
    ):
        load_settings(_env_file=None, watch_schedule=text)
