"""What every page shares: settings, store, registry, the instrument and the clock that the URL names.

A page calls `open_context()` once a run and hands the result on. Nothing of it is a connection, a cursor or an open
result; frames are kept by `PageContext.read` until the file they came from changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeVar

import streamlit as st

from app_pages.clock import ZONES, Clock, WallClock, distinct_zones, read_clock, wall_clock, zone_label
from app_pages.panels.states import draw_empty
from app_pages.theme import UpDown
from ml_data.store import Store
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.errors import HubError, StoreError
from trading.settings import HubSettings, read_settings

if TYPE_CHECKING:
    from ml_models.model_registry import ModelRegistry

T = TypeVar("T")
From = Literal["market", "journal", "both"]
CARRIED: Final = ("instrument", "day", "clock", "rule", "zone")
"""What the URL says that goes with the reader from page to page."""


@dataclass(frozen=True)
class PageContext:
    """What a page works with. `instrument` is None as long as nothing is stored; `stored` are the symbols with bars."""

    settings: HubSettings
    store: Store
    stored: tuple[str, ...]
    instrument: Instrument | None
    clock: Clock

    @property
    def up_down(self) -> UpDown:
        """The colours of directions that the reader set."""
        return "green_red" if self.settings.display.up_down_colours == "green-red" else "blue_orange"

    @property
    def registry(self) -> "ModelRegistry":
        """The model shelf; LightGBM is loaded with it, so only when a page asks."""
        return _registry(self.settings.registry_folder)

    def read(self, question: Callable[..., T], *arguments: Any, of: From = "market") -> T:
        """Return `question(store, *arguments)`, kept until the file `of` changes, for all readers together.

        `arguments` must have a `repr` that tells them apart (frozen values do). The stamp is taken before reading, so
        an answer may be newer than it is kept for, never older.
        """
        files: tuple[Literal["market", "journal"], ...] = ("market", "journal") if of == "both" else (of,)
        stamps = tuple(self.store.stamp(file) for file in files)
        key = f"{self.store.home}|{stamps}|{question.__module__}.{question.__qualname__}|{arguments!r}"
        answer: T = _kept(key, self.store, question, arguments)
        return answer


def open_context() -> PageContext:
    """Return the context of this run, from the settings and the URL.

    Raises
    ------
    HubError
        when settings, instrument or URL cannot be used, or the store cannot be read: one sentence to show.
    """
    st.session_state["url"] = st.query_params.to_dict()
    settings = read_settings()
    store = _store(settings.store_folder)
    stored = _stored(store)
    symbol = _chosen_symbol(settings, stored)
    if symbol is None:
        return PageContext(settings, store, stored, None, Clock())
    instrument = find_instrument(settings.instrument_folders, symbol)
    clock = read_clock(instrument, st.query_params.get("day"), st.query_params.get("clock"))
    return PageContext(settings, store, stored, instrument, clock)


def _stored(store: Store) -> tuple[str, ...]:
    """Return the symbols that have bars; while the store cannot be read, which the page says, those known before."""
    try:
        stamp = store.stamp("market")
        st.session_state["stored"] = _kept(f"{store.home}|{stamp}|stored", store, stored_instruments, ())
    except StoreError:
        if "stored" not in st.session_state:
            raise
    stored: tuple[str, ...] = st.session_state["stored"]
    return stored


def stored_instruments(store: Store) -> tuple[str, ...]:
    """Return the symbols that have bars, sorted."""
    with store.market() as cursor:
        rows = cursor.execute("SELECT DISTINCT instrument FROM market.bars_1m ORDER BY 1").fetchall()
    return tuple(str(row[0]) for row in rows)


def carry_parameters(page: str) -> None:
    """Keep instrument, clock, rule and zone when the reader turns to another page; call before `open_context`."""
    before, kept = st.session_state.get("page", page), st.session_state.get("url", {})
    if before != page:
        for name in CARRIED:
            if name in kept and name not in st.query_params:
                st.query_params[name] = kept[name]
    st.session_state["page"] = page


def turn_to(day: str | None) -> NoReturn:
    """Show the end of a trading day (YYYY-MM-DD), or with None the present."""
    for name in ("day", "clock", "orb"):
        st.query_params.pop(name, None)
    if day is not None:
        st.query_params["day"] = day
    st.rerun()


def draw_link(page: str, words: str, icon: str, **query: str) -> None:
    """Draw a link to another page of the hub, with what goes along from page to page and `query` in its address.

    A page that is drawn by itself, without the others, has none to link to.
    """
    pages = st.session_state.get("pages", {})
    if page in pages:
        carried = {name: value for name, value in st.session_state["url"].items() if name in CARRIED}
        st.page_link(pages[page], label=words, icon=icon, query_params={**carried, **query})


def draw_synthetic_banner(instrument: Instrument | None) -> None:
    """Say on every page that a synthetic market is one."""
    if instrument is not None and instrument.synthetic:
        st.html(
            '<div class="hub-decision ready" role="note"><span class="state"><i>!</i>SYNTHETIC DATA</span>'
            f'<span class="sentence">{instrument.symbol} is a made-up market without any edge. '
            "Nothing here is a price or a result.</span></div>"
        )


def draw_instrument_picker(context: PageContext) -> None:
    """Let the reader choose among the stored instruments; nothing to draw with one."""
    if context.instrument is None or len(context.stored) < 2:
        return

    def chosen() -> None:
        st.query_params["instrument"] = st.session_state["chosen_instrument"]
        for name in ("day", "clock", "orb"):
            st.query_params.pop(name, None)

    st.session_state["chosen_instrument"] = context.instrument.symbol
    st.segmented_control(
        "Instrument",
        context.stored,
        key="chosen_instrument",
        required=True,
        on_change=chosen,
        label_visibility="collapsed",
    )


def draw_nothing_stored(home: Path) -> None:
    """Say that there are no bars yet, and the one command that changes it."""
    draw_empty(
        "No bars are stored yet",
        f"The store in {home} is empty. Make the demo market with `hub demo`, or import your own bars: "
        "`hub ingest FILES --instrument SYMBOL`. This page fills by itself.",
    )


def choose(name: str, title: str, options: Sequence[str], usual: str, words: Callable[[str], str] = str) -> str:
    """Draw a picker whose choice lives in the URL as `?name=option`, and return it; `usual` needs no mention there.

    A value that is no option is as good as none. `words` names an option on the page.
    """
    key = f"choose_{name}"

    def keep() -> None:
        set_choice(name, st.session_state[key], usual)

    wanted = choice(name, options, usual)
    if st.session_state.get(key) != wanted:  # setting it again would undo a click that is on its way
        st.session_state[key] = wanted
    chosen = st.segmented_control(
        title, options, required=True, format_func=words, key=key, on_change=keep, label_visibility="collapsed"
    )
    return usual if chosen is None else chosen


def choice(name: str, options: Sequence[str], usual: str) -> str:
    """Return what the URL says of `name`, if it is one of `options`; else `usual`.

    It is the URL as the last whole run found it, with the choices made since: a timed rerun brings along the URL that
    the browser had when it asked, which may be older than a click that was already answered.
    """
    asked: str = st.session_state["url"].get(name, usual)
    return asked if asked in options else usual


def set_choice(name: str, value: str, usual: str) -> None:
    """Write a choice into the URL."""
    for url in (st.query_params, st.session_state["url"]):
        if value == usual:
            url.pop(name, None)
        else:
            url[name] = value


def choose_zone(context: PageContext, instrument: Instrument) -> str:
    """Draw the zone picker and return the choice: what is shown changes, never a definition."""
    options, usual = _zones(context)
    distinct = distinct_zones(options, usual, instrument)
    return choose("zone", "Times in", distinct, usual, lambda name: zone_label(name, instrument))


def shown_clock(context: PageContext, instrument: Instrument, at: datetime) -> WallClock:
    """Return the wall clock that the reader chose, with the offset it has at the view's first instant `at`."""
    return wall_clock(choice("zone", *_zones(context)), instrument, st.context.timezone, at)


def _zones(context: PageContext) -> tuple[Sequence[str], str]:
    usual = context.settings.display.time_zone
    return (ZONES if usual in ZONES else (usual, *ZONES)), usual


def _chosen_symbol(settings: HubSettings, stored: tuple[str, ...]) -> str | None:
    asked = st.query_params.get("instrument")
    if asked is not None and asked.upper() not in stored:
        found = ", ".join(stored) or "nothing yet"
        raise HubError(f"No bars of {asked} are stored. Stored: {found}. Choose one: ?instrument=SYMBOL")
    if asked is not None:
        return asked.upper()
    usual = settings.instrument
    return usual if usual in stored else next(iter(stored), None)


@st.cache_resource(show_spinner=False)
def _store(home: Path) -> Store:
    return Store(home)


@st.cache_resource(show_spinner=False)
def _registry(root: Path) -> "ModelRegistry":
    from ml_models.model_registry import ModelRegistry

    return ModelRegistry(root)


@st.cache_data(max_entries=200, show_spinner=False)
def _kept(key: str, _store: Store, _question: Callable[..., Any], _arguments: tuple[Any, ...]) -> Any:  # noqa: ARG001 - the key is what is kept
    return _question(_store, *_arguments)
