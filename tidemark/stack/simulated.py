"""The settings of a stack whose platforms are simulated: where each host is, and an app for each login."""

from metrics.platforms.registry import FACTS
from metrics.settings import Settings

CLIENT_ID, CLIENT_SECRET = "simulated-app", "simulated-secret"
"""The app of every simulated login: the simulator accepts any."""


def simulated_settings(settings: Settings, simulator: str, http: str) -> dict[str, str]:
    """Return the settings that point at a simulator, by field; those that the user has set stay out.

    `simulator` and `http` are the base URLs of the simulator and of serving. A platform with a URL of its own is not
    simulated, and gets no app.
    """
    found: dict[str, str] = {}
    for facts in FACTS.values():
        urls = {f"{name}_url": api.simulated_url(simulator) for name, api in facts.apis.items()}
        found |= {field: url for field, url in urls.items() if field not in settings.model_fields_set}
        for name in facts.logins:
            app = {f"{name}_client_id": CLIENT_ID, f"{name}_client_secret": CLIENT_SECRET}
            if not settings.model_fields_set & (urls.keys() | app.keys()):
                found |= app
    if "connect_url" not in settings.model_fields_set:
        found["connect_url"] = http
    return found
