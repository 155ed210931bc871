"""The forms in which a time is written, such as `dd/mm/yyyy hh:mm`: each is read for all rows of that form at once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Order = Literal["year", "day", "month", "unknown"]
"""Which number of a date comes first; "unknown" is day or month, where no row says which."""

_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
_DIGITS: Final = r"(?P<hour_>\d\d)(?P<minute_>\d\d)(?P<second_>\d\d)?"
_TIME: Final = rf"(?:[T ](?:{_CLOCK}|{_DIGITS})(?: ?(?P<half>[AP])M)?)?"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d\d)(?P=mark)(?P<day>\d\d)" + _TIME,
        rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)(?:[T -]{_CLOCK}|[T ]?{_DIGITS})?",
        r"(?P<first>\d\d)(?P<mark>[-/.])(?P<other>\d\d)(?P=mark)(?P<year>\d{4})" + _TIME,
    )
)
_EITHER: Final = r"^\s*(?P<first>\d{1,2})[-/.](?P<other>\d{1,2})[-/.]\d{4}\b"
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# Each brings what people write closer to a form; in this order, RE2 syntax, on upper case.
_TIDY: Final = (
    (r"[\s,]+", " "),
    (r"^ | $", ""),
    (r" ?([AP])\.?M\.?$", r" \1M"),
    (r"(:\d{2}\.\d)( |$)", r"\10\2"),  # RE2 counts groups by one digit
    (r"(\d)T(\d)", r"\1 \2"),
    (r"\b(\d)\b", r"0\1"),
    (r":$", ""),
)
_TIDY_MONTHS: Final = (
    *(
        (rf"^(\d\d)[- ]?{name}[A-Z]*[- ]?(\d{{4}})\b", rf"\2-{number:02d}-\1")
        for number, name in enumerate(_MONTHS, start=1)
    ),
    *((rf"^{name}[A-Z]* (\d\d) (\d{{4}})\b", rf"\2-{number:02d}-\1") for number, name in enumerate(_MONTHS, start=1)),
)
_FORMS_TRIED: Final = 32
_SAME_ORDER: Final = 0.99  # of the rows that tell day from month, how many must agree


@dataclass(frozen=True)
class Form:
    """Where the digits of each part stand in a text of `width` bytes, and which bytes stand between them."""

    width: int
    parts: tuple[tuple[str, int, int], ...]
    between: tuple[tuple[int, int], ...]

    @property
    def has_time(self) -> bool:
        """Whether the form has a time of day."""
        return any(name == "hour" for name, _, _ in self.parts)

    @property
    def has_year_first(self) -> bool:
        """Whether its date begins with the year, so that nothing else is to be known about it."""
        return all(name != "first" for name, _, _ in self.parts)


def form_of(text: str) -> Form | None:
    """Return the form of one stamp without a UTC offset; None when it has none of those that are understood.

    >>> form_of("20240102 093000").width
    15
    >>> form_of("yesterday")
    """
    for pattern in _FORMS:
        found = pattern.fullmatch(text)
        if found is None or not text.isascii():
            continue
        parts = tuple(
            (name.rstrip("_"), *found.span(name))
            for name, value in found.groupdict().items()
            if value is not None and name != "mark"
        )
        inside = {place for _, start, end in parts for place in range(start, end)}
        between = tuple((place, ord(text[place])) for place in range(len(text)) if place not in inside)
        return Form(len(text), parts, between)
    return None


def tidied(texts: pa.StringArray, like: str | None = None) -> pa.StringArray:
    """Return `texts` in upper case, with single spaces, two digits where there was one, and months as numbers.

    With `like`, only what changes that text is changed in all of them, which is faster.
    """
    texts = pc.utf8_upper(texts)
    model = None if like is None else pc.utf8_upper(pa.array([like]))
    named = pc.any(pc.match_substring_regex(texts, r"[A-Z]{3}")).as_py()
    for pattern, replacement in _TIDY + _TIDY_MONTHS if named else _TIDY:
        if model is not None:
            before = model
            model = pc.replace_substring_regex(before, pattern=pattern, replacement=replacement)
            if model == before:
                continue
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
    return texts


def read_walls(texts: pa.StringArray, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return what a clock shows in each of `texts`, in microseconds since 1970-01-01 00:00, and which were understood.

    Texts have no UTC offset and may each have another form. With the order "year", or "unknown", only dates that begin
    with the year are understood.
    """
    wall, good = _read_as_written(texts, order)
    for every in (False, True):
        left = np.flatnonzero(~good)
        if len(left):
            rest = texts.take(pa.array(left))
            wall[left], good[left] = _read_as_written(tidied(rest, None if every else rest[0].as_py()), order)
    return wall, good


def date_order(texts: Iterable[str] | pa.StringArray) -> Literal["day", "month", "both", "unknown"]:
    """Return whether dates such as 13/02/2024 have the day or the month first, as those above 12 tell.

    "both" when some say one and some the other; "unknown" when none tells.

    >>> date_order(["01/02/2024 09:30", "13/02/2024 09:30"])
    'day'
    >>> date_order(["01/02/2024 09:30"])
    'unknown'
    """
    column = texts if isinstance(texts, pa.StringArray) else pa.array(list(texts), pa.string())
    found = pc.extract_regex(column, pattern=_EITHER).drop_null()
    first, other = (np.asarray(found.field(name).cast(pa.int64())) for name in ("first", "other"))
    day = int(((first > 12) & (first <= 31) & (other >= 1) & (other <= 12)).sum())
    month = int(((other > 12) & (other <= 31) & (first >= 1) & (first <= 12)).sum())
    if day + month == 0:
        return "unknown"
    if max(day, month) < _SAME_ORDER * (day + month):
        return "both"
    return "day" if day > month else "month"


def _read_as_written(texts: pa.StringArray, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    wall, good = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=bool)
    tried: set[Form] = set()
    for place in _unread(good):
        form = None if good[place] else form_of(texts[place].as_py())
        if form is None or form in tried or len(tried) == _FORMS_TRIED:
            continue
        tried.add(form)
        found, fits = _read(texts, form, order)
        fits &= ~good
        wall[fits], good[fits] = found[fits], True
    return wall, good


def _unread(good: npt.NDArray[np.bool_]) -> Iterator[int]:
    """Yield the first place, whose form most rows have, then those that are still not read."""
    if len(good):
        yield 0
    yield from np.flatnonzero(~good).tolist()


def _read(texts: pa.StringArray, form: Form, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    fits = np.asarray(pc.equal(pc.binary_length(texts), form.width).fill_null(False))
    wall = np.zeros(len(texts), dtype=np.int64)
    either = not form.has_year_first
    if either and order not in ("day", "month"):
        return wall, np.zeros(len(texts), dtype=bool)
    rows = texts if fits.all() else texts.filter(pa.array(fits))
    start = np.frombuffer(rows.buffers()[1], np.int32)[rows.offset]
    letters = np.frombuffer(rows.buffers()[2] or b"", np.uint8)[start:][: len(rows) * form.width]
    letters = letters.reshape(len(rows), form.width)
    good = np.ones(len(rows), dtype=bool)
    for place, byte in form.between:
        good &= letters[:, place] == byte
    values: dict[str, Any] = {}
    for name, start, end in form.parts:
        digits = letters[:, start:end] - np.uint8(48)  # wraps around below "0"
        if name != "half":
            good &= (digits <= 9).all(axis=1)
        values[name] = digits.astype(np.int64) @ 10 ** np.arange(end - start - 1, -1, -1)
        if name == "fraction":
            places = end - start
            values[name] = values[name] * 10 ** (6 - places) if places <= 6 else values[name] // 10 ** (places - 6)
    if either:
        values["day"], values["month"] = (values["first"], values["other"])[:: 1 if order == "day" else -1]
    wall[fits], possible = _wall(values)
    fits[fits] = good & possible
    return wall, fits


def _wall(values: dict[str, Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return microseconds since 1970-01-01 00:00, and which of the dates and times exist (24:00 is the day's end)."""
    none = np.zeros(len(values["year"]), dtype=np.int64)
    hour, minute, second = (values.get(name, none) for name in ("hour", "minute", "second"))
    good = (minute <= 59) & (second <= 59)
    if "half" in values:
        afternoon = values["half"] + 48 == ord("P")
        good &= (hour >= 1) & (hour <= 12) & (afternoon | (values["half"] + 48 == ord("A")))
        hour = hour % 12 + 12 * afternoon
    good &= (hour <= 23) | ((hour == 24) & (minute == 0) & (second == 0))
    months = (values["year"] - 1970) * 12 + np.clip(values["month"], 1, 12) - 1
    first, following = (
        (months + later).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for later in (0, 1)
    )
    good &= (values["month"] == np.clip(values["month"], 1, 12)) & (values["year"] >= 1000)
    good &= (values["day"] >= 1) & (values["day"] <= following - first)
    seconds = ((first + values["day"] - 1) * 24 + hour) * 3600 + minute * 60 + second
    return seconds * 1_000_000 + values.get("fraction", none), good
