"""The card that moves the champion: promote a version, or go back to the one before; asked twice, with a reason."""

from datetime import UTC, datetime

import streamlit as st

from app_pages.access import by_whom, may, reader, why_not
from app_pages.models_queries import ShelfRow
from app_pages.typed import as_typed
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import CHAMPION, Move
from trading.errors import HubError

_ASKED = "models_move"
"""Session key of the move that waits for its confirmation: (model, version to promote or None, why)."""


def draw_moves(registry: ModelRegistry, model: str, rows: tuple[ShelfRow, ...], *, replay: bool) -> None:
    """Draw where the champion points, the form, the question whether it is meant, and the last moves.

    While the page shows the past (`replay`) nothing can be moved.
    """
    now, before = registry.alias(model, CHAMPION), registry.alias(model, "previous")
    champion = None if now is None else str(now.version)
    st.caption(
        f"Champion: **{champion or 'none; the newest version answers'}**. A promotion says which version answers on "
        "Today and in the shadow loop. It never moves a stage."
    )
    good = [
        str(row.summary.version)
        for row in rows
        if row.published is not None and row.summary.rejected is None and not row.summary.candidate
    ]
    asked = st.session_state.get(_ASKED)
    if asked is not None and asked[0] == model:
        _confirm(registry, asked, champion)
    else:
        _ask(model, [version for version in good if version != champion], before is not None, replay=replay)
    moves = [move for move in registry.journal(model) if move.alias == CHAMPION][-3:]
    for move in reversed(moves):
        st.caption(_said(move))


def _ask(model: str, others: list[str], can_go_back: bool, *, replay: bool) -> None:
    with st.form("move_champion", border=False):
        usual = 0 if others else None
        target = st.selectbox("Promote", others, index=usual, placeholder="no other version", key="move_to")
        why = st.text_input("Why", key="move_why", placeholder="kept in the registry's journal, with your name")
        with st.container(horizontal=True):
            forth = st.form_submit_button(
                "Promote …", disabled=replay or not others or not may("promote"), key="move_promote"
            )
            back = st.form_submit_button(
                "Roll back …", disabled=replay or not can_go_back or not may("rollback"), key="move_back"
            )
    if not may("promote"):
        st.caption(why_not(reader(), "promote"))
    if replay:
        st.caption("The page shows the past: go to the present to move the champion.")
    if not forth and not back:
        return
    if not why.strip():
        st.warning("Say why: it stands in the registry's journal beside your name.", icon=":material/edit_note:")
        return
    st.session_state[_ASKED] = (model, target if forth else None, why.strip())
    st.rerun()


def _confirm(registry: ModelRegistry, asked: tuple[str, str | None, str], champion: str | None) -> None:
    model, target, why = asked
    back = registry.alias(model, "previous")
    to = target or ("?" if back is None else str(back.version))
    st.warning(
        f"{model}: the champion moves from {champion or 'none'} to **{to}**, because: {as_typed(why)}",
        title="Is that meant?",
        icon=":material/flag:",
    )
    with st.container(horizontal=True):
        sure, no = st.button("Yes, move it", type="primary", key="move_yes"), st.button("No", key="move_no")
    if not sure and not no:
        return
    del st.session_state[_ASKED]
    if sure:
        now = datetime.now(UTC)
        try:
            if target is None:
                registry.rollback(model, now=now, who=by_whom("rollback"), why=why)
            else:
                registry.promote(model, target, now=now, who=by_whom("promote"), why=why)
        except HubError as error:
            st.error(f"Nothing was moved. {as_typed(str(error))}", icon=":material/error:")
            return
    st.rerun()


def _said(move: Move) -> str:
    return (
        f"{move.at:%Y-%m-%d %H:%MZ} {move.action}: {move.from_version or 'none'} → {move.to_version}, by "
        f"{as_typed(f'{move.who}: {move.why}')}"
    )
