"""The scorer gives the scores that NAB published of its windowed Gaussian detector."""

import math

import numpy as np
import pytest

from bench.support.daily_series import DATA
from tests.pipelines.insights.anomalies.nab import Floats, normalised, tally, tweets

PUBLISHED = {
    "Twitter_volume_AAPL": 1.51399683626,
    "Twitter_volume_AMZN": 1.55848299457,
    "Twitter_volume_CRM": 0.763845764094,
    "Twitter_volume_CVS": 0.773682061394,
    "Twitter_volume_FB": 0.119750278191,
    "Twitter_volume_GOOG": -0.146777355167,
    "Twitter_volume_IBM": -0.799109479229,
    "Twitter_volume_KO": -0.914196106944,
    "Twitter_volume_PFE": 0.26557999349,
    "Twitter_volume_UPS": -2.2051646682,
}
"""By series: numenta/NAB (MIT), results/windowedGaussian/windowedGaussian_standard_scores.csv, at a threshold of 1."""
WHOLE_CORPUS = -24.0131054891
WINDOWS, WINDOWS_OF_TWEETS = 116, 33
SIZE, STEP = 6400, 100
THRESHOLD = 1 - 5e-13
"""The published scores were written with twelve digits, so that these became 1.0."""


def windowed_gaussian(values: Floats) -> Floats:
    """Return the scores of NAB's detector: 1 - Q(x), by the mean and deviation of up to 6,400 values before a value."""
    scores = np.zeros(len(values))
    sums, squares = (np.concatenate([[0.0], np.cumsum(one)]) for one in (values, values * values))
    for row in range(1, len(values)):
        end = row if row <= SIZE else SIZE + (row - SIZE) // STEP * STEP
        first = max(end - SIZE, 0)
        count = end - first
        mean = (sums[end] - sums[first]) / count
        deviation = math.sqrt(max((squares[end] - squares[first]) / count - mean * mean, 0.0)) or 1e-6
        scores[row] = 1 - 0.5 * math.erfc(abs(values[row] - mean) / deviation / math.sqrt(2))
    return scores


@pytest.mark.skipif(not (DATA / "nab").is_dir(), reason="the public series are missing")
def test_published_scores() -> None:
    found = {}
    for series in tweets(DATA):
        rows = np.flatnonzero(windowed_gaussian(series.values) >= THRESHOLD)
        found[series.name] = tally(series, rows.tolist()).score
    assert found == pytest.approx(PUBLISHED, abs=1e-6)
    others = WHOLE_CORPUS - sum(PUBLISHED.values())
    assert normalised(others + sum(found.values()), WINDOWS) == pytest.approx(39.6495, abs=1e-3)
    assert normalised(sum(found.values()), WINDOWS_OF_TWEETS) == pytest.approx(51.4, abs=0.05)
