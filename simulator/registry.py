"""The platforms that are simulated: the only list of them."""

from simulator.facebook.node import node as facebook_node
from simulator.facebook.world import FACEBOOK
from simulator.graph import Graph
from simulator.instagram.node import node as instagram_node
from simulator.instagram.world import INSTAGRAM
from simulator.linkedin.api import LinkedIn
from simulator.linkedin.world import LINKEDIN
from simulator.state import Api, State
from simulator.twitter.api import Twitter
from simulator.twitter.world import TWITTER
from simulator.world import World

_PLATFORMS = (INSTAGRAM, FACEBOOK, TWITTER, LINKEDIN)


def new_world(seed: int = 1) -> World:
    """Return the world of a seed, with all platforms in it."""
    return World(_PLATFORMS, seed)


def open_apis(state: State) -> tuple[Api, ...]:
    """Return the APIs; the first that serves a path answers."""
    return (Graph(state, {"instagram": instagram_node, "facebook": facebook_node}), Twitter(state), LinkedIn(state))
