"""Pictures and captions of simulated posts."""

from datetime import UTC, date, datetime, timedelta

from simulator.captions import LONGEST, caption
from simulator.pictures import LIFE, SIZE, picture_url
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


def test_picture_is_a_small_png_until_its_url_expires(simulator: Simulator) -> None:
    simulator.set_clock(NOW)
    url = picture_url(f"{simulator.url}/graph.facebook.com", "18000", NOW)
    found = simulator.client.get(url)
    assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
    assert found.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(found.content[16:20]) == int.from_bytes(found.content[20:24]) == SIZE
    assert len(found.content) < 60_000
    assert simulator.client.get(url.replace("18000", "18001")).content != found.content
    simulator.set_clock(NOW + LIFE)
    assert simulator.client.get(url).status_code == 403
    assert simulator.client.get(url.partition("?")[0]).status_code == 200
    assert simulator.client.get(f"{url}zz").status_code == 403


def test_url_stays_the_same_throughout_a_day() -> None:
    urls = {picture_url("http://a", "1", NOW.replace(hour=hour)) for hour in range(24)}
    assert len(urls) == 1
    assert picture_url("http://a", "1", NOW + timedelta(days=1)) not in urls


def test_captions_are_of_every_kind() -> None:
    found = [caption(number * 10 + place, date(2026, 3, 1)) for number in range(100) for place in (0, 1)]
    texts = [text for text in found if text is not None]
    assert len(texts) < len(found)
    assert max(map(len, texts)) == LONGEST
    for part in ("👩🏽‍🍳", "صباح", "<script>", "\n\n"):
        assert any(part in text for text in texts), part
