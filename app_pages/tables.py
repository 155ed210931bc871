"""How a page shows a frame: a table as high as its rows, or one that scrolls."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from app_pages.panels.states import draw_no_match

TABLE_HEIGHT: Final = 300
LONGEST: Final = 8
"""Rows of a table that are shown without scrolling."""


def draw_table(table: pd.DataFrame, columns: Mapping[str, Any], nothing: str) -> None:
    """Draw the `columns` of `table` (name: how it is shown, None: as it is); `nothing` stands in for an empty one."""
    if table.empty:
        draw_no_match(nothing)
        return
    shown = {name: config for name, config in columns.items() if config is not None}
    height: Any = TABLE_HEIGHT if len(table) > LONGEST else "content"
    st.dataframe(table, hide_index=True, height=height, column_config=shown, column_order=list(columns))
