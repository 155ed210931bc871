"""Who can reach the hub: this machine alone or a network, and what its login needs before a network may.

Streamlit does the login (OpenID Connect); it reads its `[auth]` from a secrets file. Pure: tables and addresses in,
sentences out. What is asked here is asked twice: before the hub starts, and by every page it serves.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from trading.settings import AccessSettings

PROVIDER_KEYS: Final = ("client_id", "client_secret", "server_metadata_url")
SHARED_KEYS: Final = ("redirect_uri", "cookie_secret")
CALLBACK: Final = "/oauth2callback"
LEAST_SECRET: Final = 32
"""Characters of the secret that signs the login's cookie: who guesses it logs in as anybody."""
SAFE_OPTIONS: Final = {
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.trustedUserHeaders": False,  # headers that say who somebody is: whoever reaches the port writes them
    "server.enableAgentApi": False,  # drives the pages without a browser, and without its login
    "global.developmentMode": False,  # lets in pages of every origin
    "browser.gatherUsageStats": False,
}
"""What Streamlit's options must be, by name; `hub app` and `.streamlit/config.toml` set them so."""
WAYS: Final = (
    "Keep it on this machine and reach it through an SSH tunnel, or configure a login: docs/security.md has both."
)


def is_loopback(address: str | None) -> bool:
    """Return whether only this machine can reach what listens at `address`; None and "" are all addresses.

    >>> [is_loopback(each) for each in ("127.0.0.1", "::1", "localhost", "127.0.0.9")]
    [True, True, True, True]
    >>> [is_loopback(each) for each in ("0.0.0.0", "::", "192.168.0.4", "hub.example.com", "", None)]
    [False, False, False, False, False, False]
    """
    if not address:
        return False
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def came_from_elsewhere(headers: Mapping[str, str]) -> str | None:
    """Return the sign that a request was not made on this machine (or through a tunnel to it), None without one.

    A proxy says so, or the browser asked for another name: so does a foreign page whose name was made to lead here.

    >>> came_from_elsewhere({"Host": "localhost:8501"}), came_from_elsewhere({"Host": "[::1]:8501"})
    (None, None)
    >>> came_from_elsewhere({"Host": "hub.example.com"})
    'Host: hub.example.com'
    """
    given = {name.lower(): value for name, value in headers.items()}
    for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"):
        if name.lower() in given:
            return f"{name}: {given[name.lower()]}"
    host = given.get("host")
    if host is None:
        return None
    try:
        asked_for = urlsplit(f"//{host}").hostname
    except ValueError:
        asked_for = None
    return None if is_loopback(asked_for) else f"Host: {host}"


def login_gap(auth: Mapping[str, Any] | None, access: AccessSettings, *, installed: bool) -> str | None:
    """Return what is missing before people can log in, None when nothing is. `auth` is `[auth]` of the secrets file.

    `installed` says whether the libraries of the login are there.
    """
    if not auth:
        return "there is no [auth] in .streamlit/secrets.toml"
    missing = [key for key in SHARED_KEYS if not auth.get(key)]
    if missing:
        return f"[auth] in .streamlit/secrets.toml lacks {' and '.join(missing)}"
    if not str(auth["redirect_uri"]).endswith(CALLBACK):
        return f"[auth] redirect_uri does not end with {CALLBACK}"
    if len(str(auth["cookie_secret"])) < LEAST_SECRET:
        return (
            f"[auth] cookie_secret has less than {LEAST_SECRET} characters; make one: "
            "python -c 'import secrets; print(secrets.token_hex())'"
        )
    named = providers(auth)
    if not named:
        return f"[auth] names no provider; it needs {', '.join(PROVIDER_KEYS)}"
    for name in named:
        provider = auth if name is None else auth[name]
        missing = [key for key in PROVIDER_KEYS if not provider.get(key)]
        if missing:
            return f"[auth{'' if name is None else f'.{name}'}] lacks {', '.join(missing)}"
    if not access.owners:
        return 'hub.toml names no owner: [access] owners = ["you@example.com"]'
    return None if installed else "the login's libraries are not installed: pip install 'trading-hub[login]'"


def providers(auth: Mapping[str, Any]) -> list[str | None]:
    """Return whom one can log in with: names of `[auth.NAME]`, or None for a provider that stands in `[auth]` itself.

    >>> providers({"client_id": "hub"}), providers({"google": {"client_id": "hub"}, "cookie_secret": "s"})
    ([None], ['google'])
    """
    named = [name for name, table in auth.items() if isinstance(table, Mapping) and name != "client_kwargs"]
    return [*named] or ([None] if any(auth.get(key) for key in PROVIDER_KEYS) else [])


def weakened(options: Mapping[str, object]) -> str | None:
    """Return the first of Streamlit's `options` that takes a protection away, None when all stand as the hub needs.

    >>> weakened({**SAFE_OPTIONS}), weakened({**SAFE_OPTIONS, "server.enableCORS": False})
    (None, 'server.enableCORS is False; the hub needs True')
    """
    for name, wanted in SAFE_OPTIONS.items():
        if bool(options[name]) is not wanted:
            return f"{name} is {options[name]!r}; the hub needs {wanted}"
    return None
