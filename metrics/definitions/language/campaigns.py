"""The look-up of the campaigns that the label `campaign` may name."""

from metrics.definitions.language.tree import LabelValue, Refused


def campaign_posts(_workspace_id: str, campaign: LabelValue) -> frozenset[str]:
    """Return the ids of the posts of a campaign.

    Raises:
        Refused: there is no such campaign; at present no workspace has any.
    """
    raise Refused(campaign.at, "there are no campaigns yet: leave the label campaign out")
