"""Registry of the simulated platforms."""

from metrics.documents import Platform
from simulator.bluesky.api import Bluesky
from simulator.bluesky.world import BLUESKY
from simulator.facebook.lists import LISTS as FACEBOOK_LISTS
from simulator.facebook.login import DIALOG as FACEBOOK_LOGIN
from simulator.facebook.node import node as facebook_node
from simulator.facebook.world import FACEBOOK
from simulator.facebook.world import owner as facebook_owner
from simulator.graph.api import Graph
from simulator.graph.call import GraphPlatform
from simulator.instagram.lists import LISTS as INSTAGRAM_LISTS
from simulator.instagram.login import DIALOG as INSTAGRAM_LOGIN
from simulator.instagram.node import node as instagram_node
from simulator.instagram.world import INSTAGRAM
from simulator.instagram.world import owner as instagram_owner
from simulator.linkedin.api import LinkedIn
from simulator.linkedin.login import DIALOG as LINKEDIN_LOGIN
from simulator.linkedin.world import LINKEDIN
from simulator.pinterest.api import Pinterest
from simulator.pinterest.login import DIALOG as PINTEREST_LOGIN
from simulator.pinterest.world import PINTEREST
from simulator.state import Api, State
from simulator.threads.api import Threads
from simulator.threads.login import DIALOG as THREADS_LOGIN
from simulator.threads.world import THREADS
from simulator.tiktok.api import TikTok
from simulator.tiktok.business import Business
from simulator.tiktok.login import DIALOG as TIKTOK_LOGIN
from simulator.tiktok.world import TIKTOK
from simulator.twitter.api import Twitter
from simulator.twitter.login import DIALOG as TWITTER_LOGIN
from simulator.twitter.world import TWITTER
from simulator.world import SimAccount, World
from simulator.youtube.api import YouTube
from simulator.youtube.login import DIALOG as YOUTUBE_LOGIN
from simulator.youtube.world import YOUTUBE

_PLATFORMS = (INSTAGRAM, FACEBOOK, TWITTER, LINKEDIN, TIKTOK, YOUTUBE, PINTEREST, THREADS, BLUESKY)


DIALOGS = (
    INSTAGRAM_LOGIN,
    FACEBOOK_LOGIN,
    TWITTER_LOGIN,
    LINKEDIN_LOGIN,
    TIKTOK_LOGIN,
    YOUTUBE_LOGIN,
    PINTEREST_LOGIN,
    THREADS_LOGIN,
)
"""The pages on which people consent."""


def new_world(seed: int = 1, posting: float = 1.0) -> World:
    """Return the world of a seed, with all platforms in it; its accounts publish a share of their usual posts."""
    return World(_PLATFORMS, seed, posting)


def credentials(account: SimAccount) -> dict[str, str]:
    """Return all credentials with which an account can be read, in the names of Tidemark's credentials."""
    further = next(one for one in _PLATFORMS if one.name == account.platform).further_credentials(account)
    return {"access_token": account.token, **further}


def open_apis(state: State) -> tuple[Api, ...]:
    """Return the APIs; the first that serves a path answers."""
    platforms: dict[Platform, GraphPlatform] = {
        "instagram": GraphPlatform(instagram_node, instagram_owner, INSTAGRAM_LISTS),
        "facebook": GraphPlatform(facebook_node, facebook_owner, FACEBOOK_LISTS),
    }
    graph = Graph(state, platforms)
    # Graph takes Pinterest's /v5/ for one of its own versions, and so comes after it.
    return (
        TikTok(state),
        Business(state),
        YouTube(state),
        Threads(state, graph),
        Pinterest(state),
        graph,
        Twitter(state),
        LinkedIn(state),
        Bluesky(state),
    )
