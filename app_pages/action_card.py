"""What I did: note that a forecast was followed, ignored or gone against, take it back, see the notes so far."""

from datetime import UTC, datetime

import streamlit as st

from app_pages.access import by_whom, may, reader, why_not
from app_pages.context import PageContext, turn_to
from app_pages.journal_event import notes_frame
from app_pages.panels.states import draw_error
from ml_data.actions import DEEDS, WITHDRAWN, note_action
from ml_data.journal_log import log_row, notes_of
from trading.errors import HubError


def draw_action(context: PageContext, prediction_id: str) -> None:
    """Draw the notes about an answered prediction and, on the page of the present, the way to add one."""
    if context.clock.is_replay:
        st.caption("This page looks at the past; notes are made in the present, so that none can be dated back.")
        if st.button("Show the present", key="note_in_present", type="tertiary"):
            turn_to(None)
    elif may("note"):
        _draw_form(context, prediction_id)
    else:
        st.caption(why_not(reader(), "note"))
    row = context.read(log_row, prediction_id, context.clock.replay, of="journal")
    notes = () if row is None else notes_of(row)
    if notes:
        st.dataframe(notes_frame(notes), hide_index=True, height="content")


def _draw_form(context: PageContext, prediction_id: str) -> None:
    with st.form(f"note_{prediction_id}", clear_on_submit=True, border=False):
        did = st.segmented_control("I", DEEDS, key=f"did_{prediction_id}", label_visibility="collapsed")
        why = st.text_input("Why", key=f"why_{prediction_id}", placeholder="Why", label_visibility="collapsed")
        with st.container(horizontal=True):
            noted = st.form_submit_button("Note it", icon=":material/edit_note:")
            undone = st.form_submit_button("Take the newest back", icon=":material/undo:", type="tertiary")
    action = WITHDRAWN if undone else did if noted else None
    if noted and did is None:
        st.caption("Choose what you did first.")
    if action is None:
        return
    try:
        written = note_action(context.store, prediction_id, action, why, at=datetime.now(UTC), by=by_whom("note"))
    except HubError as error:
        draw_error("Not noted", str(error))
        return
    st.caption("✓ Noted." if written else "That is what the newest note says already.")
