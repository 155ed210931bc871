"""The rows of the journal as files: exactly those that the filters let through, made when they are asked for."""

import streamlit as st

from app_pages.context import PageContext
from ml_data.journal_log import LogFilter, Sort
from ml_data.log_files import csv_bytes, log_export, parquet_bytes


def draw_downloads(context: PageContext, chosen: LogFilter, sort: Sort) -> None:
    """Draw the two buttons; a file is made by the click, never by a rerun of the page."""
    store, icon = context.store, ":material/download:"
    name = f"journal_{chosen.instrument}"
    with st.container(horizontal=True, width="content"):
        st.download_button(
            "CSV",
            lambda: csv_bytes(log_export(store, chosen, sort)),
            f"{name}.csv",
            "text/csv",
            icon=icon,
            on_click="ignore",
            help="Instants in UTC, ISO 8601. Texts that a spreadsheet would run begin with a quote sign.",
        )
        st.download_button(
            "Parquet",
            lambda: parquet_bytes(log_export(store, chosen, sort)),
            f"{name}.parquet",
            "application/vnd.apache.parquet",
            icon=icon,
            on_click="ignore",
        )
