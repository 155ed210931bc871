"""Who is asked about an instrument's events: of each of its models the champion, and every challenger."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ml_models.documents import DamagedVersion
from ml_models.loaded_version import LoadedVersion
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import STAMP
from ml_models.pointers import CHALLENGER, CHAMPION, LATEST
from trading.errors import RegistryError

NAMED: Final = "named"
"""The role of a version that a person named and that is neither champion nor challenger."""


@dataclass(frozen=True)
class Seat:
    """One version, and as what it is asked: `champion`, `challenger-…`, or `named`."""

    model: str
    role: str
    version: LoadedVersion

    @property
    def key(self) -> str:
        """The seat by name, whichever version sits on it."""
        return f"{self.model} {self.role}"

    @property
    def made_at(self) -> datetime:
        """When the version was published, by its number."""
        return datetime.strptime(self.version.version[2:17], STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Vacancy:
    """A seat whose version cannot be asked, and why not."""

    key: str
    why: str


@dataclass(frozen=True)
class Roster:
    """Everybody who is asked, the champion of a model before its challengers, and the seats that stay empty."""

    seats: tuple[Seat, ...]
    vacant: tuple[Vacancy, ...] = ()


Who = Callable[[], Roster]
"""Says who is asked now: pointers are read with every call, so a promotion shows at once."""


def models_of(registry: ModelRegistry, symbol: str) -> tuple[str, ...]:
    """Return the models of one instrument, of every recipe and trade rule (see `model_name`)."""
    return tuple([name for name in registry.models() if name.split("-")[1:2] == [symbol]])


def everybody(registry: ModelRegistry, symbol: str) -> Roster:
    """Return the champion and the challengers of each model of an instrument.

    A version is asked once, also where two aliases name it. A model in whose folder nothing is published has no seat.
    """
    found = [_of_model(registry, model) for model in models_of(registry, symbol)]
    seats = tuple(seat for roster in found for seat in roster.seats)
    return Roster(seats, tuple(empty for roster in found for empty in roster.vacant))


def only(registry: ModelRegistry, model: str, which: str) -> Roster:
    """Return the one version that `which` (a version, an alias, `latest`) names, in the role that it has."""
    try:
        version = registry.load(model, which)
    except RegistryError as error:
        return Roster((), (Vacancy(f"{model} {which}", str(error)),))
    return Roster((Seat(model, role_of(registry, version), version),))


def role_of(registry: ModelRegistry, version: LoadedVersion) -> str:
    """Return as what a version answers by the pointers as they stand: the first role that is its own."""
    for role, alias in _roles(registry, version.model):
        try:
            pointer = registry.alias(version.model, alias)
        except DamagedVersion:
            continue  # whoever follows the pointer is told
        if pointer is not None and pointer.version == version.version:
            return role
    return NAMED


def _of_model(registry: ModelRegistry, model: str) -> Roster:
    seats: dict[str, Seat] = {}
    vacant = []
    for role, alias in _roles(registry, model):
        try:
            version = registry.load(model, alias)
        except RegistryError as error:
            vacant.append(Vacancy(f"{model} {role}", str(error)))
            continue
        seats.setdefault(version.version_hash, Seat(model, role, version))
    return Roster(tuple(seats.values()), tuple(vacant))


def _roles(registry: ModelRegistry, model: str) -> Iterator[tuple[str, str]]:
    """Yield the roles of a model with the alias that fills each; without a promotion the newest version is champion."""
    aliases = registry.aliases(model)
    champion = next((alias for alias in (CHAMPION, LATEST) if alias in aliases), None)
    if champion is not None:
        yield CHAMPION, champion
    for alias in aliases:
        if alias.startswith(CHALLENGER):
            yield alias, alias
