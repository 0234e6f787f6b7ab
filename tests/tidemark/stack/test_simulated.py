"""The settings of a stack with simulated platforms."""

from metrics.settings import load_settings
from tidemark.stack.simulated import simulated_settings

SIMULATOR, HTTP = "http://127.0.0.1:8100", "http://127.0.0.1:8000"


def test_every_login_has_an_app_and_hosts_that_share_paths_have_names() -> None:
    found = simulated_settings(load_settings(_env_file=None), SIMULATOR, HTTP)
    assert found["connect_url"] == HTTP
    assert found["youtube_url"] == SIMULATOR
    assert found["instagram_login_url"] == f"{SIMULATOR}/graph.instagram.com"
    assert found["threads_client_id"]
    assert "bluesky_client_id" not in found
    assert load_settings(_env_file=None, **found).login_app("threads") is not None


def test_platform_with_a_url_of_its_own_is_not_simulated() -> None:
    settings = load_settings(
        _env_file=None, youtube_url="https://youtube.googleapis.com", connect_url="http://localhost"
    )
    found = simulated_settings(settings, SIMULATOR, HTTP)
    assert not {"youtube_url", "youtube_client_id", "youtube_client_secret", "connect_url"} & found.keys()
    assert "threads_client_id" in found
