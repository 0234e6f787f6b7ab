"""The numbers that each platform gives for its own days, computed from the simulator's truth."""

from datetime import date, datetime, timedelta

from metrics.catalog import metrics_of, offered
from metrics.periods import DAY, midnight
from simulator import truth
from simulator.pinterest.account_analytics import reported as reported_pinterest
from simulator.twitter.world import shown
from simulator.world import SimAccount, World
from simulator.youtube.analytics import reported
from simulator.youtube.world import IMPRESSIONS

_RECENT = {("instagram", "newFollowers"): timedelta(days=30), ("linkedin", "netFollowers"): timedelta(days=365)}


def true_day(world: World, account: SimAccount, day: date, now: datetime) -> dict[str, int]:
    """The numbers of a provider's day that an account is told at an instant, by canonical name."""
    if account.platform == "twitter":
        return {"accountImpressions": _impressions(world, account, day, now)}
    if account.platform == "youtube":
        offers = offered("youtube", "account")
        # Thumbnail impressions come in files, which exist only from thirty days before the account was connected.
        wanted = [
            one.name
            for one in metrics_of("account", "period_sum")
            if one.name in offers and offers[one.name].field != IMPRESSIONS
        ]
        return {name: reported(world, account, offers[name].field, day, now) for name in wanted}
    if account.platform == "pinterest":
        offers, hidden = offered("pinterest", "account"), world.platforms["pinterest"].withholds_day
        wanted = [one.name for one in metrics_of("account", "period_sum") if one.name in offers]
        fields = {name: offers[name].field for name in wanted if not hidden(world, account, offers[name].field, day)}
        return {name: reported_pinterest(world, account, field, day, now) for name, field in fields.items()}
    found = {}
    for metric in metrics_of("account", "period_sum", "period_unique"):
        offer = metric.offers.get(account.platform)
        reach = _RECENT.get((account.platform, metric.name))
        if offer is None or (reach is not None and midnight(day) < now - reach):
            continue
        if any(world.platforms[account.platform].withholds_day(world, account, part, day) for part in offer.parts):
            continue
        value = truth.week_value if metric.name == "weeklyReach" else truth.day_value
        found[metric.name] = sum(value(world, account, part, day) for part in offer.parts)
    return found


def _impressions(world: World, account: SimAccount, day: date, now: datetime) -> int:
    """Return a day's impressions of the posts of ninety days that are still up: X lists no others."""
    start = midnight(day)
    posts = world.posts(account, start - timedelta(days=90), start + DAY)
    return sum(shown(world, post, start, start + DAY) for post in posts if post.visible(now))
