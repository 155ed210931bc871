import hashlib
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from app_pages.price_chart import RangeBox, Scene, SessionSpan, TradeZone, View, chart_frame, scene_payload
from trading.errors import BadBars

COMPONENT = Path(__file__).resolve().parents[2] / "trading_hub" / "price_chart"
BARS = pd.DataFrame(
    {
        "time": [60, 120],
        "open": [1.0, 1.5],
        "high": [2.0, 2.5],
        "low": [0.5, 1.0],
        "close": [1.5, 2.0],
        "volume": [10, 20],
        "contract": ["a", "a"],
    }
)
SCENE = Scene(
    view_key="day",
    symbol="DEMO",
    timeframe="1m",
    bar_seconds=60,
    zone_label="AEST",
    utc_offset_seconds=36_000,
    decimals=1,
    min_move=0.1,
    views=(View("Day", 0, 600),),
)


def test_the_frame_holds_the_six_columns_as_floats_and_nothing_else():
    frame = chart_frame(BARS)
    assert frame.column_names == ["time", "open", "high", "low", "close", "volume"]
    assert {str(kind) for kind in frame.schema.types} == {"double"}
    assert frame.to_pylist()[1] == {"time": 120, "open": 1.5, "high": 2.5, "low": 1.0, "close": 2.0, "volume": 20}


def test_an_arrow_table_and_a_data_frame_give_the_same_frame():
    assert chart_frame(pa.Table.from_pandas(BARS, preserve_index=False)).equals(chart_frame(BARS))


def test_no_bars_are_a_frame_without_rows():
    assert chart_frame(BARS.iloc[:0]).num_rows == 0


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        (BARS.drop(columns="close"), "close not found"),
        (BARS.assign(high=[2.0, None]), "high has missing values"),
        (BARS.assign(time=[60, 60]), "60 follows 60 in row 1"),
        (BARS.iloc[::-1], "60 follows 120 in row 1"),
    ],
)
def test_bars_that_cannot_be_drawn_are_refused_with_the_reason(bars: pd.DataFrame, message: str):
    with pytest.raises(BadBars, match=message):
        chart_frame(bars)


def test_the_scene_is_json_with_the_colours_of_both_modes():
    scene = Scene(
        **{
            **SCENE.__dict__,
            "up_down": "green_red",
            "sessions": (SessionSpan("Asia", 0, 300, "asia"),),
            "ranges": (RangeBox("0900", 0, 300, 600, 2.0, 1.0, "09:00", note="▼38%", selected=True),),
            "trades": (TradeZone(300, None, 2.0, 1.0, 3.5, "Entry 2.0", "Stop 1.0 −1R", "Target 3.5 +1.5R"),),
        }
    )
    payload = json.loads(json.dumps(scene_payload(scene)))
    assert payload["view_key"] == "day"
    assert payload["views"] == [{"label": "Day", "start": 0, "end": 600}]
    assert payload["ranges"][0]["note"] == "▼38%"
    assert payload["trades"][0]["end"] is None
    assert payload["last_price"] is None
    assert payload["palette"]["dark"]["up"] == "#3fbf9f"
    assert payload["palette"]["light"]["down"] == "#c0362f"


def test_the_vendored_library_is_the_pinned_one_with_its_licence_and_notice():
    pinned = json.loads((COMPONENT / "vendored.json").read_text(encoding="utf-8"))
    assert pinned["version"] == "5.2.1"
    for name, digest in pinned["sha256"].items():
        assert hashlib.sha256((COMPONENT / name).read_bytes()).hexdigest() == digest
    assert "Apache License" in (COMPONENT / "LICENSE").read_text(encoding="utf-8")
    assert "TradingView" in (COMPONENT / "NOTICE").read_text(encoding="utf-8")


def test_a_script_run_draws_the_chart_and_nothing_was_picked():
    def script() -> None:
        import streamlit as st

        from app_pages.price_chart import draw_price_chart
        from tests.app_pages.test_price_chart import BARS, SCENE

        st.write(draw_price_chart(BARS, SCENE, key="chart").picked_range or "nothing picked")

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert app.markdown[0].value == "nothing picked"
