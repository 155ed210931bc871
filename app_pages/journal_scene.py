"""The chart of one event: its day, range and trade, with what came after the forecast marked as such. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from app_pages.clock import WallClock
from app_pages.price_chart import Scene, SessionSpan
from app_pages.theme import UpDown
from app_pages.today_scene import day_scene
from app_pages.today_view import TodayView

AFTER: Final = "After the forecast"


def event_scene(
    view: TodayView, orb: str, decided_at: datetime, prob_up: float | None, wall: WallClock, up_down: UpDown
) -> Scene:
    """Return the scene of the range `orb` of `view`, asked about at `decided_at`; other ranges are left out."""
    scene = day_scene(view, wall, 1, orb, {} if prob_up is None else {orb: prob_up}, up_down)
    # The traded ones are drawn in the order of the day's ranges, so place by place they are those with an entry.
    traded = [each.name for each in view.ranges if each.entry is not None]
    broke = [each.name for each in view.ranges if each.broke_at is not None]
    after = SessionSpan(AFTER, wall.seconds(decided_at), scene.views[1].end, "muted")
    return replace(
        scene,
        view_key=f"{scene.view_key} {decided_at:%H%M}",
        sessions=(after,) if view.through > decided_at else (),
        ranges=tuple(box for box in scene.ranges if box.name == orb),
        trades=tuple(zone for name, zone in zip(traded, scene.trades, strict=True) if name == orb),
        marks=tuple(mark for name, mark in zip(broke, scene.marks, strict=True) if name == orb),
    )
