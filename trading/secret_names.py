"""By which names secrets are known, and how a password within an address is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

PASSWORD_IN_ADDRESS: Final = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)", re.IGNORECASE)
_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|APIKEY|KEY|COOKIE)(?:$|_)|^HUB_ALERTS__CHANNELS__.*URL$",
    re.IGNORECASE,
)


def looks_secret(name: str) -> bool:
    """Return whether what is called `name` is a secret.

    >>> [looks_secret(name) for name in ("DATABENTO_API_KEY", "password", "bot_token", "HUB_ALERTS__CHANNELS__TG__URL")]
    [True, True, True, True]
    >>> [looks_secret(name) for name in ("HUB_HOME", "keyboard", "PATH", "monkey")]
    [False, False, False, False]
    """
    return _SECRET_NAME.search(name) is not None


def secret_keys(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the dotted keys of `table` that look like secrets, or hold an address with a password.

    >>> list(secret_keys({"feed": {"api_key": "x", "pattern": "*"}, "home": "ftp://ann:hunter22@host/"}))
    ['feed.api_key', 'home']
    """
    for key, value in table.items():
        dotted = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from secret_keys(value, f"{dotted}.")
        elif looks_secret(key) or (isinstance(value, str) and PASSWORD_IN_ADDRESS.search(value)):
            yield dotted
