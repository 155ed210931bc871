"""What the hub ships to the browser: the price chart component, declared in `pyproject.toml` beside this file.

Streamlit looks for a package named like the installed distribution (`trading-hub`) and reads the manifest beside it,
so this package carries the distribution's name and holds browser files only. Its Python side is
`app_pages/price_chart.py`.
"""
