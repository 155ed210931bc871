"""When the event happens: facts of the calendar, known long before."""

from datetime import time

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from trading.domain.calendar import Days, wall_minutes

WEEKDAY_COLUMN = 0
LONDON = "Europe/London"
NEW_YORK = "America/New_York"


def calendar_columns(days: Days, decided: Ints, day_starts: Ints, opening: Ints, previous_traded: Floats) -> Floats:
    """Return the columns of this group for E events, shape (E, 11); `previous_traded` counts days since the last."""
    ordinal = days.astype(np.int64)
    london_open = wall_minutes(days, time(8, 0), LONDON)
    new_york_open = wall_minutes(days, time(9, 30), NEW_YORK)
    midnight = ordinal * 1440
    us_saving = (new_york_open - midnight) == 9 * 60 + 30 + 240
    uk_saving = (london_open - midnight) == 8 * 60 - 60
    month = days.astype("datetime64[M]")
    day_of_month = (days - month.astype("datetime64[D]")).astype(np.int64) + 1
    columns = [
        (ordinal + 3) % 7,
        day_of_month,
        month.astype(np.int64) % 12 + 1,
        opening,
        decided - day_starts,
        us_saving,
        uk_saving,
        us_saving != uk_saving,
        london_open - decided,
        new_york_open - decided,
        previous_traded,
    ]
    table = np.empty((len(days), len(columns)))
    for index, column in enumerate(columns):
        table[:, index] = column
    return table


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        out[event] = inputs.calendar[event]
        newest[event] = inputs.day_starts[inputs.day[event]]


GROUP = FeatureGroup(
    name="calendar",
    inputs="the trading day's date, the clock, the rules of US and UK daylight saving",
    features=(
        Feature("weekday", "0 = Monday", "Weekday of the trading day."),
        Feature("day_of_month", "1 to 31", "Day of the month of the trading day."),
        Feature("month", "1 to 12", "Month of the trading day."),
        Feature("orb_index", "0, 1, ...", "Which opening range of the day, in the instrument's order."),
        Feature("minutes_into_day", "min", "Minutes since the trading day began."),
        Feature("us_daylight_saving", "0 or 1", "New York is on daylight saving time on the trading day's date."),
        Feature("uk_daylight_saving", "0 or 1", "London is on summer time on the trading day's date."),
        Feature("us_uk_out_of_step", "0 or 1", "One of New York and London has changed its clocks, the other not."),
        Feature("minutes_to_london_open", "min", "Minutes until 08:00 London on the day's date; negative after it."),
        Feature(
            "minutes_to_new_york_open", "min", "Minutes until 09:30 New York on the day's date; negative after it."
        ),
        Feature(
            "days_since_last_traded", "days", "Calendar days since the last trading day with bars.", "no day before"
        ),
    ),
    compute=_compute,
)
