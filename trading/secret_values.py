"""What must not be shown: the values of secrets, and how texts and logs are rid of them.

Secrets stand in the environment or in a secrets file, nowhere else: `secrets.toml` of the home folder, and Streamlit's
`.streamlit/secrets.toml` for the login. Their values are gathered by name, and taken out of whatever leaves the
process; what looks like a password within an address is taken out too, be it known or not.
"""

import json
import logging
import os
import re
import stat
import sys
import threading
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from trading.errors import BadSettings
from trading.secret_names import PASSWORD_IN_ADDRESS, looks_secret
from trading.settings import CHECKOUT, secrets_file

HIDDEN: Final = "***"
LEAST: Final = 6
"""Characters below which a value is no secret: taking it out would tear words apart."""
LEAST_PART: Final = 12
"""Characters from which a part of a secret address is one itself: shorter ones are names and ports."""
PUBLIC: Final = ("redirect_uri", "server_metadata_url", "client_id", "provider", "kinds", "expose_tokens")
"""Keys of a secrets file whose values are no secrets."""
_IN_QUERY: Final = re.compile(
    r"(?P<before>[?&](?:api_?key|key|token|access_token|password|secret|sig)=)[^&\s'\"]+", re.IGNORECASE
)


def secrets_files(home: Path) -> tuple[Path, ...]:
    """Return the secrets files that are there: those that Streamlit reads, and that of the home folder.

    A folder that this user may not look into holds none for them.
    """
    folders = (Path(os.path.expanduser("~")), CHECKOUT)
    paths = (*(folder / ".streamlit" / "secrets.toml" for folder in folders), secrets_file(home))
    return tuple(path.absolute() for path in dict.fromkeys(paths) if os.path.isfile(path))


def login_of(home: Path) -> dict[str, Any]:
    """Return `[auth]` of the secrets files, later files before earlier ones; empty where no login is configured.

    Raises
    ------
    BadSettings
        naming a file that cannot be read; nothing of its content.
    """
    auth: dict[str, Any] = {}
    for path in secrets_files(home):
        try:
            auth |= tomllib.loads(path.read_text(encoding="utf-8")).get("auth", {})
        except (OSError, ValueError):
            raise BadSettings(f"{path}: not a readable TOML file of secrets.") from None  # its lines are secrets
    return auth


def secret_names(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names in the environment whose values are hidden, sorted."""
    return tuple(sorted(name for name, value in environment.items() if looks_secret(name) and len(value) >= LEAST))


def read_by_others(path: Path) -> bool:
    """Return whether other users of this machine may read `path`; where files have no such modes: no."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def known_secrets(environment: Mapping[str, str], tables: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the values to hide, the longest first: of secret names of the environment, and of secrets files.

    Of an address its parts are hidden too, for a library names a token without the rest.
    """
    values = [value for name, value in environment.items() if looks_secret(name)]
    values += [value for table in tables for value in _leaves(table)]
    found = {form for value in values for part in (value, *_parts(value)) for form in _forms(part)}
    return tuple(sorted((each for each in found if len(each) >= LEAST), key=lambda each: (-len(each), each)))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without `secrets`, and without passwords in addresses.

    >>> redacted("no answer from https://ann:hunter22@mail.example/?token=abc (key db-12345)", ["db-12345"])
    'no answer from https://ann:***@mail.example/?token=*** (key ***)'
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for pattern in (PASSWORD_IN_ADDRESS, _IN_QUERY):
        text = pattern.sub(rf"\g<before>{HIDDEN}", text)
    return text


class Hiding:
    """What this process hides: gathered once, asked by whatever prints, logs or writes down a text from elsewhere."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def learn(self, home: Path | None = None) -> None:
        """Gather the secrets of the environment, and with `home` those of the files."""
        tables = [_table(path) for path in secrets_files(home)] if home is not None else []
        self._secrets = known_secrets(os.environ, tables)

    def __call__(self, text: str) -> str:
        """Return `text` as it may be shown."""
        return redacted(text, self._secrets)

    def take_over(self) -> None:
        """Let every log record and every trace of this process be hidden from, whoever's logger or handler it is."""
        make = logging.getLogRecordFactory()
        if getattr(make, "hides", False):
            return

        def hidden_record(*args: Any, **keywords: Any) -> logging.LogRecord:
            record = make(*args, **keywords)
            try:
                record.msg, record.args = self(record.getMessage()), None
            except (TypeError, ValueError):
                return record  # its arguments do not fit: the handler says so, without them
            if record.exc_info and record.exc_info[0] is not None:
                record.exc_text = self("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
            return record

        hidden_record.hides = True  # type: ignore[attr-defined]  # once a process, however often a page is run
        logging.setLogRecordFactory(hidden_record)
        if sys.excepthook is sys.__excepthook__:  # another hook is somebody's own, who gathers what was raised
            sys.excepthook = lambda kind, error, trace: self._print(traceback.format_exception(kind, error, trace))
        if threading.excepthook is threading.__excepthook__:
            threading.excepthook = lambda given: self._print(
                traceback.format_exception(given.exc_type, given.exc_value, given.exc_traceback)
            )

    def _print(self, lines: list[str]) -> None:
        sys.stderr.write(self("".join(lines)))


hidden: Final = Hiding()
"""The one of this process: `hidden(text)` is `text` as it may be shown."""


def _table(path: Path) -> dict[str, Any]:
    """Return the table of a secrets file; none of one that cannot be read: whoever uses the file says so."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _leaves(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        elif isinstance(value, str) and key not in PUBLIC:
            yield value


def _parts(value: str) -> Iterator[str]:
    """Yield the parts of an address that may be secrets on their own."""
    if "://" not in value:
        return
    _, _, rest = value.partition("://")
    who, _, _ = rest.partition("/")[0].rpartition("@")
    named = (rest.partition("/")[0], *re.split(r"[/:@?&=]", rest))
    yield from (part for part in named if len(part) >= LEAST_PART)
    yield who.partition(":")[2]


def _forms(value: str) -> tuple[str, ...]:
    """Return how a value may stand in a text: as it is, in an address, in JSON."""
    return (value, quote(value, safe=""), unquote(value), json.dumps(value)[1:-1])
