"""Who reads the pages, and what they may do: the one place that says so.

On this machine without a login its own user reads, and is the owner. As soon as a login is configured everybody logs
in, and `[access]` of the settings gives each a role. A page asks `may(deed)` before it offers something, and takes the
name that it writes down from `by_whom(deed)`, which refuses: what writes without it fails a contract test.
"""

import importlib.util
import logging
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from app_pages.panels.states import draw_error
from app_pages.typed import as_typed
from trading.errors import HubError, NotAllowed
from trading.exposure import SAFE_OPTIONS, WAYS, came_from_elsewhere, is_loopback, login_gap, providers, weakened
from trading.person import login_name
from trading.secret_values import hidden
from trading.settings import AccessSettings, read_settings

Role = Literal["viewer", "trader", "owner"]
Deed = Literal["see", "download", "note", "test_alert", "promote", "rollback", "rearm"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "trader", "owner")
"""Each may do what those before it may."""
LEAST_ROLE: Final[dict[Deed, Role]] = {
    "see": "viewer",
    "download": "viewer",  # what one sees one can copy
    "note": "trader",
    "test_alert": "trader",
    "promote": "owner",
    "rollback": "owner",
    "rearm": "owner",
}
_WORDS: Final[dict[Deed, str]] = {
    "see": "see the pages",
    "download": "download what the pages show",
    "note": "note what was done",
    "test_alert": "send a test alert",
    "promote": "promote a version",
    "rollback": "roll a champion back",
    "rearm": "re-arm the breaker",
}


@dataclass(frozen=True)
class Reader:
    """Who reads the page: a name for what they write, and their role."""

    name: str
    role: Role


def allowed(role: Role, deed: Deed) -> bool:
    """Return whether somebody of `role` may do `deed`.

    >>> allowed("viewer", "download"), allowed("trader", "promote"), allowed("owner", "promote")
    (True, False, True)
    """
    return ROLES.index(role) >= ROLES.index(LEAST_ROLE[deed])


def may(deed: Deed) -> bool:
    """Return whether who reads this page may do `deed`: what is offered and what is greyed out."""
    return allowed(reader().role, deed)


def by_whom(deed: Deed) -> str:
    """Return the name under which `deed` is written down.

    Raises
    ------
    NotAllowed
        when the reader's role does not reach; asked at the deed itself, whatever the page had offered.
    """
    person = reader()
    if not allowed(person.role, deed):
        raise NotAllowed(why_not(person, deed))
    return person.name


def why_not(person: Reader, deed: Deed) -> str:
    """Return the sentence that says who may do `deed` instead.

    >>> why_not(Reader("ann@example.com", "viewer"), "promote")
    'ann@example.com is a viewer here: only an owner may promote a version.'
    """
    least = LEAST_ROLE[deed]
    who = f"only {'an' if least == 'owner' else 'a'} {least}" + ("" if least == "owner" else " or an owner")
    return f"{person.name} is a {person.role} here: {who} may {_WORDS[deed]}."


def reader() -> Reader:
    """Return who reads this page, by settings and login as they are now.

    Raises
    ------
    NotAllowed
        when the hub stands open without a login, nobody is logged in, or `[access]` does not know them.
    """
    access = read_settings().access
    refusal = _refusal(access)
    if refusal is not None:
        raise NotAllowed(refusal)
    if not _auth():
        return Reader(login_name(), "owner")
    if not st.user.is_logged_in:
        raise NotAllowed("Nobody is logged in.")
    return _known(dict(st.user.to_dict()), access)


def admit() -> bool:
    """Let the page be drawn, or draw instead what keeps it closed: an open network, or the login."""
    hidden.take_over()
    try:
        settings = read_settings()
        hidden.learn(settings.home)
        access = settings.access
        refusal = _refusal(access)
        if refusal is not None:
            raise NotAllowed(refusal)
        auth = _auth()
        if not auth:
            return True
        if not st.user.is_logged_in:
            _draw_login(auth)
            return False
        person = _known(dict(st.user.to_dict()), access)
    except HubError as error:
        logging.getLogger("hub").warning("not admitted: %s", error)
        draw_error("This hub stays closed", str(error))
        if _auth() and st.user.get("is_logged_in"):
            st.button("Log out", on_click=st.logout, key="log_out")
        return False
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.caption(as_typed(f"{person.name}, {person.role}"), width="content")
        st.button("Log out", on_click=st.logout, key="log_out", type="tertiary")
    return True


def role_of(name: str, access: AccessSettings) -> Role | None:
    """Return the role of whom the login calls `name`; None for somebody the settings do not know.

    >>> role_of("Ann@Example.com", AccessSettings(owners=("ann@example.com",)))
    'owner'
    """
    of: dict[Role, tuple[str, ...]] = {"viewer": access.viewers, "trader": access.traders, "owner": access.owners}
    return next((role for role in ROLES if name.casefold() in {each.casefold() for each in of[role]}), None)


def _known(user: dict[str, Any], access: AccessSettings) -> Reader:
    name = user.get(access.claim)
    if not isinstance(name, str) or not name:
        raise NotAllowed(f"The login does not say who you are: it has no {access.claim!r}. Set [access] claim.")
    if access.claim == "email" and user.get("email_verified") is False:
        raise NotAllowed(f"{name} is not verified by the login's provider: anybody may have typed that address.")
    role = role_of(name, access)
    if role is None:
        raise NotAllowed(f"{name} is not known to this hub. Its owner can add you to [access] of hub.toml.")
    return Reader(name, role)


def _refusal(access: AccessSettings) -> str | None:
    """Return why no page may be shown to anybody, None when pages may be."""
    weak = weakened({name: st.get_option(name) for name in SAFE_OPTIONS})
    if weak is not None:
        return f"Streamlit is started with a protection off: {weak}. Start the hub with 'hub app', or set it back."
    auth = _auth()
    gap = login_gap(auth, access, installed=importlib.util.find_spec("authlib") is not None)
    if gap is None:
        return None
    if auth:
        return f"The login is not ready: {gap}."
    address = st.get_option("server.address")
    elsewhere = came_from_elsewhere(st.context.headers)
    if is_loopback(address) and elsewhere is None:
        return None
    found = (
        f"it listens at {address or 'every address'}"
        if not is_loopback(address)
        else f"it was asked for as {elsewhere}"
    )
    return f"The hub is not shown to a network without a login: {found}, and {gap}. {WAYS}"


def _auth() -> dict[str, Any]:
    """Return `[auth]` of Streamlit's secrets, empty when there is none."""
    if not st.secrets.load_if_toml_exists():
        return {}
    return dict(st.secrets.get("auth") or {})


def _draw_login(auth: dict[str, Any]) -> None:
    st.title("Trading hub", anchor=False)
    st.caption("This hub asks who you are.")
    for name in providers(auth):
        label = "Log in" if name is None else f"Log in with {name}"
        if st.button(label, type="primary", key=f"log_in_{name}"):
            st.login(name)
