"""The model's card on Today: the stored forecast of the selected range, or in one sentence why there is none."""

import logging
from dataclasses import dataclass, field
from html import escape

import streamlit as st

from app_pages.clock import WallClock
from app_pages.context import PageContext, draw_link
from app_pages.label_words import model_title
from app_pages.panels.forecast_axis import axis_html, draw_forecast
from app_pages.panels.reasons import draw_reasons
from app_pages.panels.states import draw_error
from app_pages.panels.strip import draw_figures
from app_pages.queries import numbers_record_at, record_at, said_at, why_unasked
from app_pages.today_said import Said
from app_pages.today_view import RangeView, TodayView
from app_pages.today_voice import advice_of, voice
from app_pages.today_words import deciding_range
from app_pages.typed import as_typed
from trading.domain.advice import Advice
from trading.domain.words import range_label
from trading.errors import HubError, StoreError

_STAGES = {
    "shadow": ("Shadow, not used", ":material/visibility_off:"),
    "advisory": ("Advisory: it speaks", ":material/record_voice_over:"),
    "hybrid": ("Hybrid: it may halve the risk", ":material/balance:"),
    "auto": ("Auto: on paper", ":material/smart_toy:"),
}
_RULES_WORK = "Prices, ranges and rules do not need it."


@dataclass(frozen=True)
class Forecasts:
    """What `model` said of the day's ranges, by name, and other models, by theirs.

    `problem` says why the journal could not be read.
    """

    model: str
    by_range: dict[str, Said] = field(default_factory=dict)
    others: dict[str, dict[str, Said]] = field(default_factory=dict)
    problem: str = ""

    def advice(self, name: str) -> tuple[Advice, ...]:
        """Return what each model advises on the range `name`, in the stage it may be heard in."""
        every = {self.model: self.by_range, **self.others}
        return advice_of((model, by_range[name]) for model, by_range in every.items() if name in by_range)

    def voice(self, view: TodayView) -> str:
        """Return what may be said beside the rules about the range that they decide on; empty in shadow."""
        each = deciding_range(view)
        return "" if each is None else voice(self.advice(each.name), each, view.instrument.symbol)

    @property
    def prob_up(self) -> dict[str, float]:
        """P(UP) of the ranges that were answered."""
        return {name: said.chance for name, said in self.by_range.items() if said.chance is not None}


def forecasts(context: PageContext, view: TodayView) -> Forecasts:
    """Return what the model said of the day's ranges by the clock; nothing where it is switched off."""
    symbol = view.instrument.symbol
    model = f"directional-{symbol}"
    if not context.settings.ml.enabled:
        return Forecasts(model)
    try:
        stored = context.read(said_at, symbol, view.day, view.clock, context.clock.is_replay, of="journal")
    except StoreError as error:
        logging.getLogger("hub").exception("forecasts of %s", symbol)
        return Forecasts(model, problem=str(error))
    by_model = {name: {said.orb: said for said in each} for name, each in stored.items()}
    return Forecasts(model, by_model.pop(model, {}), by_model)


def draw_model_card(context: PageContext, view: TodayView, each: RangeView, stored: Forecasts, wall: WallClock) -> None:
    """Draw the card of one range: what its stage lets it do stands on it. The rules alone decide on an entry."""
    said = stored.by_range.get(each.name)
    stage = said.stage if said else "shadow"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**Model · {range_label(each.name)}**", width="content")
        words, icon = _STAGES[stage]
        st.badge(words, icon=icon, color="gray")
    try:
        with st.container(gap="xxsmall"), st.skeleton(height=480):
            _draw_answer(context, view, each, stored, said, wall)
    except HubError as error:
        logging.getLogger("hub").exception("model card of %s %s", view.day, each.name)
        draw_error("Could not read the forecast", str(error), _RULES_WORK)
    for model, by_range in stored.others.items():
        if each.name in by_range:
            with st.container(gap="xxsmall"):
                _draw_other(context, view, model, by_range[each.name])


def _draw_other(context: PageContext, view: TodayView, model: str, said: Said) -> None:
    """Draw what another model said of the range: of its trade, at its break."""
    from app_pages import today_insight

    symbol = view.instrument.symbol
    st.html(f'<div class="hub-caption"><b>{escape(model_title(model, symbol))}</b></div>')
    if said.refusal is not None:
        st.caption(f"No forecast: {as_typed(said.refusal)}")
        return
    if said.numbers:
        told = context.read(numbers_record_at, symbol, model, said, view.clock, of="journal")
        st.html(f"<div>{escape(today_insight.numbers_line(said, view.range(said.orb).size))}</div>")
        st.html(f'<div class="hub-caption">{escape(today_insight.numbers_sentence(said, told))}</div>')
        return
    record = context.read(record_at, symbol, model, said, view.clock, of="journal")
    draw_forecast(today_insight.axis(said, record, view.instrument))
    st.html(f'<div class="hub-caption">{escape(today_insight.sentence(said, record, view.instrument))}</div>')


def _draw_answer(
    context: PageContext, view: TodayView, each: RangeView, stored: Forecasts, said: Said | None, wall: WallClock
) -> None:
    from app_pages import today_card  # with it come the scores, for which the first paint does not wait

    if stored.problem:
        draw_error("Could not read the forecasts", stored.problem, _RULES_WORK)
        return
    if said is None or said.chance is None:
        why = said.refusal if said else None
        if (said is None and each.side is not None) or each.state == "ready":
            why = context.read(
                why_unasked, context.registry, view.instrument, stored.model, view.day, each.name, of="both"
            )
        st.markdown(today_card.unasked_sentence(each, wall, why))
        st.caption(_RULES_WORK)
        return
    record = context.read(record_at, view.instrument.symbol, stored.model, said, view.clock, of="journal")
    seen, axis = today_card.verdict(record), axis_html(today_card.axis(said, record))
    st.html(
        f'<div class="hub-verdict tone-{seen.tone}"><i>{seen.shape}</i>{seen.words}</div>'
        f'<div class="hub-caption">{today_card.skill_sentence(record)}</div>{today_card.legend(record)}{axis}'
    )
    advice = stored.advice(each.name)
    draw_figures(today_card.figures(view, each, record, context.settings.account, advice))
    draw_reasons(today_card.shown_reasons(record, view), today_card.reasons_title(said))
    stored_as = today_card.stored_sentence(said, wall, context.settings.ml.confidence_threshold)
    st.html(f'<div>{today_card.agreement(said, each)}</div><div class="hub-caption">{escape(stored_as)}</div>')
    if st.toggle("All reasons, and the five nearest past ranges", key=f"explain_{each.name}"):
        from app_pages.prediction_card import draw_prediction  # with it comes the shelf

        draw_prediction(context, view.instrument, said.prediction_id, side_by_side=False)
    if st.toggle("What I did", key=f"deed_{each.name}"):
        from app_pages.action_card import draw_action

        draw_action(context, said.prediction_id)
    draw_link("journal", "Open in the journal", ":material/menu_book:", id=said.prediction_id)
