"""What vendors call the columns of bars: the words for each, in some languages, and the clock that a name may state."""

import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WHOLE_STAMPS: Final = (
    "timestamp", "datetime", "date time", "ts", "time stamp", "local time", "open time", "opentime", "window start",
    "ts event", "unix", "unix timestamp", "unix time", "unixtime", "epoch", "start time", "bar time", "bar start",
    "time start", "timestamp start", "start at", "start", "begin", "begin time", "candle begin time", "time left",
    "exchange time", "trade time", "dt",
)  # fmt: skip
_ENDS: Final = ("close time", "end time", "time end", "timestamp end", "bar end", "end", "time right")
_DATES: Final = ("date", "day", "dtyyyymmdd", "datum", "fecha", "data")
_TIMES: Final = ("time", "timehhmm", "hour", "time bar start", "zeit", "uhrzeit", "hora", "heure", "ora")
_LAST_RESORT: Final = ("t", "index", "unnamed: 0")  # of frames that were saved with their index
SYNONYMS: Final = {
    "open": (
        "open", "open price", "o", "first trade price", "eröffnung", "eroeffnung", "ouverture", "apertura", "abertura",
    ),
    "high": (
        "high", "high price", "h", "high trade price", "hoch", "plus haut", "máximo", "maximo", "máxima", "massimo",
    ),
    "low": (
        "low", "low price", "l", "low trade price", "tief", "plus bas", "mínimo", "minimo", "mínima",
    ),
    "close": (
        "close", "last", "close price", "closing price", "price", "c", "latest", "last price", "last trade price",
        "schluss", "schlusskurs", "clôture", "cloture", "cierre", "chiusura", "fechamento",
    ),
    "volume": (
        "volume", "vol", "vol.", "v", "total volume", "totalvolume", "tickvol", "tick vol", "tick volume", "volumen",
        "volumefrom", "base volume",
    ),
    "symbol": ("contract", "symbol", "ticker", "ric"),
}  # fmt: skip
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # between the words of openTime, UTCTime
_NUMBERED: Final = re.compile(r"^\d+\. (?=[a-z])")  # "1. open"
_MARKS: Final = re.compile(r"[\s_<>()\[\]\"'/#-]+")
_VOLUME_IN: Final = re.compile(r"[Vv]olume (?!EMA|SMA|WMA|VMA|RMA|AVG)[A-Z]{3,5}")  # in units of a currency, no average
_HOURS: Final = re.compile(
    r"(?<![a-z])(utc|gmt) ?(?P<sign>[+-]) ?(?P<hours>1[0-4]|0?\d)(:?(?P<minutes>[0-5]\d))?(?!\d)", re.IGNORECASE
)
_UTC: Final = re.compile(r"\b(utc|gmt)\b", re.IGNORECASE)
_ZONE: Final = re.compile(r"[A-Za-z]+/[A-Za-z_]+(/[A-Za-z_]+)?")
_SOME_CLOCK: Final = re.compile(  # that says of itself too little to be taken for one
    r"\b(et|est|edt|ct|cst|cdt|mt|pt|pst|pdt|eet|eest|cet|cest|bst|ny|nyc|new york|eastern|central|chicago|exchange"
    r"|local|broker|server)\b"
)


@dataclass(frozen=True)
class StampColumns:
    """The places of a column, or of a date and a time column, that hold the stamp.

    `clock` is the one that they state, or ""; `ends` says that they are named as the end of the bar.
    """

    places: tuple[int, ...]
    clock: str = ""
    ends: bool = False


def plain_names(names: tuple[str, ...]) -> list[str]:
    """Return `names` in small letters, their words apart, without brackets, numbers before them and the word UTC.

    >>> plain_names(("<OPEN>", "openTime", "1. high", "timestamp_utc", "Volume (BTC)"))
    ['open', 'open time', 'high', 'timestamp', 'volume btc']
    """
    return [_NUMBERED.sub("", " ".join(_UTC.sub(" ", _spaced(name)).split())) for name in names]


def position(plain: list[str], word: str) -> int | None:
    """Return the place of the first of the names for `word`, one of SYNONYMS."""
    return next((plain.index(name) for name in SYNONYMS[word] if name in plain), None)


def volume_position(names: tuple[str, ...]) -> int | None:
    """Return the place of the volume; one in units of a coin, `Volume (BTC)`, where there is no other."""
    found = position(plain_names(names), "volume")
    if found is not None:
        return found
    cleaned = [" ".join(_MARKS.sub(" ", name).split()) for name in names]
    return next((place for place, name in enumerate(cleaned) if _VOLUME_IN.fullmatch(name)), None)


def stamp_columns(names: tuple[str, ...]) -> tuple[StampColumns, ...]:
    """Return what may hold the stamp, best first; none when nothing is called so."""
    clocks = [_clock(name) for name in names]
    plain = [" ".join(_SOME_CLOCK.sub(" ", rest).split()) or rest for _, rest in clocks]
    stated = [clock for clock, _ in clocks]

    def first(wanted: tuple[str, ...]) -> int | None:
        for name in wanted:
            places = [place for place, found in enumerate(plain) if found == name]
            if places:
                return next((place for place in places if stated[place]), places[0])
        return None

    whole, date, time, end = (first(wanted) for wanted in (_WHOLE_STAMPS, _DATES, _TIMES, _ENDS))
    if whole is not None:
        return (StampColumns((whole,), stated[whole]),)
    if date is not None and time is not None:
        clock = stated[date] or stated[time]
        return (StampColumns((date, time), clock), StampColumns((time,), clock))
    found = [StampColumns((place,), stated[place]) for place in (time, date) if place is not None]
    if not found and end is not None:
        found = [StampColumns((end,), stated[end], ends=True)]
    if not found:
        last = 0 if plain and not names[0].strip() else first(_LAST_RESORT)
        found = [StampColumns((last,))] if last is not None else []
    return tuple(found)


def _clock(name: str) -> tuple[str, str]:
    """Return the clock that a name states, "" for none, and the name without it."""
    hours = _HOURS.search(name)
    if hours is not None:
        minutes = f":{hours['minutes']}" if hours["minutes"] else ""
        return f"UTC{hours['sign']}{int(hours['hours'])}{minutes}", _spaced(_HOURS.sub(" ", name))
    zone = _ZONE.search(name)
    if zone is not None and _is_zone(zone[0]):
        return zone[0], _spaced(name.replace(zone[0], " "))
    spaced = _spaced(name)
    return ("UTC", " ".join(_UTC.sub(" ", spaced).split())) if _UTC.search(spaced) else ("", spaced)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _spaced(name: str) -> str:
    return _MARKS.sub(" ", _WORDS.sub(" ", name)).strip().lower()
