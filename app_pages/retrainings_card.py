"""The card of retrainings on Models, and the line on Model health that says when the next one is due."""

import streamlit as st

from app_pages import retrainings_view as view
from app_pages.context import PageContext
from app_pages.gates_card import hour_of
from app_pages.panels.states import draw_error
from app_pages.typed import as_typed
from ml_data.retrainings import retrainings_of
from ml_training.due import due
from ml_training.retrain_facts import champion_of, facts_of
from trading.domain.instrument import Instrument
from trading.errors import HubError, StoreError


def draw_retrainings(context: PageContext, instrument: Instrument, model: str) -> None:
    """Draw what every retraining of `model` came to, and when the next is due."""
    st.markdown("**Retrainings**: a candidate must beat the champion on days that neither has seen")
    try:
        history = context.read(retrainings_of, model, context.clock.replay, of="journal")
    except StoreError as error:
        draw_error("The retrainings cannot be read", str(error), "The shelf goes on without them.")
        return
    if history:
        st.dataframe(view.history_frame(history), hide_index=True, height="content", placeholder="–")
        st.caption(view.last_sentence(history))
    else:
        st.caption("… There was none yet: `hub retrain --if-due` looks whether one is due.")
    draw_next(context, instrument, model)


def draw_next(context: PageContext, instrument: Instrument, model: str) -> None:
    """Draw the line that says when the champion of `model` is to be trained again; none while the past is shown."""
    if context.clock.replay is not None:
        return
    try:
        champion = champion_of(context.registry, model)
        facts = context.read(facts_of, context.registry, instrument, model, champion, hour_of(context), of="both")
    except HubError as error:
        st.caption(f"… When it is to be trained again cannot be told: {as_typed(str(error))}")
        return
    st.caption(view.next_sentence(due(facts, context.settings.retrain, context.clock.now())))
