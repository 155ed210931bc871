"""Send one message through apprise, in a process that can be ended: `python -m ml_scripts.alert_child`.

Reads one JSON object on stdin (url, title, body, type) and prints one on stdout: `{"error": null}`, or why it was not
sent in words of ours. What apprise and the service say goes nowhere: it may repeat the address, which is a secret.
"""

import json
import logging
import re
import sys
from typing import Any


def main() -> int:
    """Send the message on stdin."""
    asked = json.load(sys.stdin)
    for name in ("apprise", "requests", "urllib3", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    print(json.dumps({"error": sent(asked)}))
    return 0


def sent(asked: dict[str, str]) -> str | None:
    """Send a message (url, title, body, type); return None, or why it was not taken."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="Trading hub",
        app_desc="Trading hub",
        async_mode=False,
        http_redirects=False,  # an address is a secret: it follows nobody elsewhere
        storage_mode=apprise.PersistentStoreMode.MEMORY,  # nothing of it on disk
        allow_templates=False,
        secure_logging=True,
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(asked["url"]):
        return "apprise knows no such address: check its form and its parts"
    found = service.notify(
        body=asked["body"], title=asked["title"], notify_type=asked["type"], body_format=apprise.NotifyFormat.TEXT
    )
    return None if found else _why(found)


def _why(found: Any) -> str:
    said = " ".join(entry.message for result in found.results for made in result.attempts for entry in made.logs)
    answered = re.search(r"\berror=(\d{3})\b", said)
    if answered:
        return f"the service answered {answered.group(1)}"
    if re.search(r"connection|socket", said, re.IGNORECASE):
        return "no connection to the service"
    return "the service did not take it"


if __name__ == "__main__":
    sys.exit(main())
