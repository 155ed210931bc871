import pytest
from streamlit.testing.v1 import AppTest

from app_pages.panels.decision import decision_html
from app_pages.panels.forecast_axis import (
    ForecastAxis,
    Verdict,
    axis_html,
    axis_limits,
    axis_sentence,
    legend_html,
    verdict,
)
from app_pages.panels.reasons import Reason, reasons_html
from app_pages.panels.strip import Cell, cell_html

SHADED = ForecastAxis(forecast=0.383, break_even=0.40, count=1_356, came_to=0.389, low=0.373, high=0.406)


def came_to(low: float, high: float, break_even: float = 0.40) -> ForecastAxis:
    return ForecastAxis(forecast=0.9, break_even=break_even, count=500, came_to=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (came_to(0.402, 0.44), Verdict("▲", "Favours the trade", "up")),
        (came_to(0.36, 0.399), Verdict("▼", "Against the trade", "down")),
        (came_to(0.36, 0.44), Verdict("◆", "No measurable edge", "muted")),
        (came_to(0.40, 0.44), Verdict("◆", "No measurable edge", "muted")),
        (ForecastAxis(forecast=0.9, break_even=0.4, count=3), Verdict("…", "Too few outcomes to say", "muted")),
    ],
)
def test_the_verdict_comes_from_the_interval_however_high_the_forecast(axis: ForecastAxis, said: Verdict):
    assert verdict(axis) == said


def test_the_axis_ends_at_whole_steps_around_every_mark():
    assert axis_limits(SHADED) == (0.30, 0.50)
    assert axis_limits(ForecastAxis(forecast=0.97, break_even=0.03, count=0)) == (0.0, 1.0)
    assert axis_limits(ForecastAxis(forecast=0.40, break_even=0.40, count=0)) == (0.35, 0.45)


def test_the_marks_stand_where_their_values_are():
    html = axis_html(SHADED)
    assert '<div class="forecast tone-down" style="left:41.50%">' in html
    assert '<div class="interval" style="left:36.50%;width:16.50%">' in html
    assert '<div class="came-to" style="left:44.50%">' in html
    assert '<div class="break-even" style="left:50.00%">' in html
    assert "<svg" not in html


def test_the_graphic_is_also_a_sentence():
    said = "Forecast 38.3%, break-even 40.0%; what 1,356 like it came to: 38.9% (37.3 to 40.6)."
    assert axis_sentence(SHADED) == said
    assert f'aria-label="{said}"' in axis_html(SHADED)


def test_without_an_interval_only_the_forecast_is_marked():
    few = ForecastAxis(forecast=0.52, break_even=0.5, count=12, event="up", line="martingale")
    html = axis_html(few)
    assert "interval" not in html.replace("for an interval.", "")
    assert "martingale 50.0%" in html
    assert legend_html(few) == '<div class="hub-legend">○ forecast: up · only 12 like it have an outcome</div>'


def test_reasons_are_signed_by_shape_and_scaled_to_the_longest():
    html = reasons_html([Reason("Range size", "0.12 ATR", 1.6), Reason("Volume", "2.6×", -0.8)])
    assert '<i class="up" style="width:50.0%"></i></span><span class="points"><i>▲</i>1.6</span>' in html
    assert '<i class="down" style="width:25.0%"></i></span><span class="points"><i>▼</i>0.8</span>' in html


def test_reasons_that_are_all_zero_have_no_bars():
    assert 'style="width:0.0%"' in reasons_html([Reason("Range size", "0.12 ATR", 0.0)])


def test_what_is_written_into_a_page_is_escaped():
    assert "&lt;b&gt;" in cell_html(Cell("<b>", "<b>", "<b>", note="<b>"))
    assert "<b>" not in cell_html(Cell("<b>", "<b>", "<b>", note="<b>"))
    assert "<b>" not in decision_html("WAIT", "<b>", "<b>")
    assert "<b>" not in reasons_html([Reason("<b>", "<b>", 1.0)])


@pytest.mark.parametrize(
    ("state", "shape", "kind"),
    [("WAIT", "○", "wait"), ("READY", "◆", "ready"), ("IN TRADE", "●", "in-trade"), ("DONE", "■", "done")],
)
def test_every_state_has_a_word_and_a_shape(state: str, shape: str, kind: str):
    html = decision_html(state, "Now.")  # type: ignore[arg-type]
    assert f'class="hub-decision {kind}"' in html
    assert f"<i>{shape}</i>{state}" in html


def test_the_states_say_why_and_offer_their_action():
    def script() -> None:
        import streamlit as st

        from app_pages.panels.states import draw_empty, draw_error, draw_loading, draw_no_match, draw_stale

        if draw_empty("Waiting", "The market opens 09:00.", action="Open last day", key="open"):
            st.text("opened")
        draw_stale("Feed is behind", "Frozen at 22:51.")
        draw_error("Could not read", "The store is held.", "The page shows 23:05.")
        draw_no_match("No forecast matches.")
        draw_loading(120)

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert [one.value for one in app.info] == ["The market opens 09:00."]
    assert [one.value for one in app.warning] == ["Frozen at 22:51."]
    assert [one.value for one in app.error] == ["The store is held. The page shows 23:05."]
    assert [one.value for one in app.caption] == ["No forecast matches."]
    assert not app.text
    assert [one.value for one in app.button(key="open").click().run().text] == ["opened"]
