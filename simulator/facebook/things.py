"""Objects of simulated Pages: one post has several ids, and the requested id determines the kind of node that answers.

A post with a photo has the id of its list, `{page}_{post}`, and the id of the photo, which publishing returns as `id`.
The same holds for a post with a video. A reel is a video, and has a post as well.
"""

from typing import Literal, NamedTuple

from simulator.facebook.world import FACEBOOK, PHOTO, VIDEO, media_place, story_id
from simulator.graph.call import Call
from simulator.graph.errors import missing
from simulator.world import SimPost

NodeKind = Literal["Post", "Video", "Photo"]
_PHOTOS = ("photo", "album")


class Thing(NamedTuple):
    """A post, read under one of its ids."""

    post: SimPost
    name: str
    kind: NodeKind

    @property
    def story(self) -> str:
        """The id of the post on the Page."""
        return story_id(self.post)


def listed_thing(post: SimPost) -> Thing:
    """Return a post under the id of its list; a reel is read as a video."""
    return Thing(post, post.platform_post_id, "Video" if post.metric_type == "reel" else "Post")


def found_thing(call: Call, object_id: str) -> Thing:
    """Return the object of an id on the Page.

    Raises:
        GraphError: there is no visible object with that id.
    """
    place = media_place(object_id)
    world = call.state.world
    post = world.post("facebook", FACEBOOK.post_id(*place[:3]) if place else object_id)
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise missing(object_id)
    if place is None:
        return Thing(post, object_id, "Post" if "_" in object_id else "Video")
    fitting = post.native[0] in _PHOTOS if place[3] == PHOTO else post.native[0] == "video"
    if not fitting:
        raise missing(object_id)
    return Thing(post, object_id, "Video" if place[3] == VIDEO else "Photo")
