import hashlib
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import altair as alt
import pytest
from streamlit.web.skills import nudge_suppression_reason

from app_pages.theme import DARK, LIGHT, Mode, Tokens, altair_config, css_variables, styled, tokens

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((CHECKOUT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("mode", "colours"), [("dark", DARK), ("light", LIGHT)])
def test_streamlits_theme_repeats_our_colours(mode: str, colours: Tokens):
    theme = CONFIG["theme"][mode]
    assert theme["primaryColor"] == theme["blueColor"] == theme["linkColor"] == colours.up
    assert theme["backgroundColor"] == colours.background
    assert theme["secondaryBackgroundColor"] == theme["dataframeHeaderBackgroundColor"] == colours.panel
    assert theme["textColor"] == colours.text
    assert theme["borderColor"] == theme["dataframeBorderColor"] == colours.border
    assert theme["grayColor"] == theme["dataframeHeaderTextColor"] == colours.muted
    assert (theme["orangeColor"], theme["greenColor"]) == (colours.down, colours.good)
    assert (theme["yellowColor"], theme["redColor"]) == (colours.warn, colours.bad)
    assert theme["violetColor"] == colours.asia


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("up_down", ["blue_orange", "green_red"])
def test_every_colour_that_writes_words_stands_out_from_the_page(mode: Mode, up_down: str):
    colours = asdict(tokens(mode, up_down))  # type: ignore[arg-type]
    for ground in ("background", "panel"):
        for name in set(colours) - {"background", "panel", "border"}:
            light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{name} on {ground}"


def test_green_and_red_replace_the_directions_only():
    usual, green_red = asdict(tokens("dark")), asdict(tokens("dark", "green_red"))
    assert {name for name in usual if usual[name] != green_red[name]} == {"up", "down"}


def test_the_style_sheet_gets_every_colour_for_both_modes():
    assert "--hub-up:light-dark(#0b6fc2,#2b9df4);" in css_variables()
    assert "--hub-new-york:light-dark(#b03a6b,#e4679b);" in css_variables()


def test_the_fonts_are_local_pinned_and_licensed():
    pinned = json.loads((CHECKOUT / "static" / "vendored.json").read_text(encoding="utf-8"))["sha256"]
    urls = [face["url"] for face in CONFIG["theme"]["fontFaces"]]
    assert urls == [f"app/static/{name}" for name in pinned]
    for name, digest in pinned.items():
        assert hashlib.sha256((CHECKOUT / "static" / name).read_bytes()).hexdigest() == digest
    for licence in ("LICENSE-inter.txt", "LICENSE-jetbrains-mono.txt"):
        assert "SIL Open Font License" in (CHECKOUT / "static" / licence).read_text(encoding="utf-8")


def test_streamlit_answers_this_machine_alone_and_tells_nobody():
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["fileWatcherType"] == "none"
    assert CONFIG["runner"]["magicEnabled"] is False
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"] == {"toolbarMode": "viewer", "showErrorDetails": "none"}


def test_a_styled_chart_carries_its_look_and_the_original_stays_as_it_was():
    chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    dark = styled(chart, "dark").to_dict()
    assert dark["config"]["axis"]["labelColor"] == DARK.muted
    assert dark["config"]["background"] == "transparent"
    assert styled(chart, "light").to_dict()["config"]["line"]["color"] == LIGHT.up
    assert chart.config is alt.Undefined


def test_both_looks_are_altair_themes_by_name():
    assert {"hub_dark", "hub_light"} <= set(alt.theme.names())
    with alt.theme.enable("hub_light"):
        chart = alt.Chart(alt.Data(values=[])).mark_point().to_dict()
    assert chart["config"] == altair_config("light")


def test_streamlit_advertises_nothing_on_our_pages(monkeypatch: pytest.MonkeyPatch):
    options = {"server.headless": False, "logger.hideWelcomeMessage": CONFIG["logger"]["hideWelcomeMessage"]}
    monkeypatch.setattr("streamlit.config.get_option", options.__getitem__)
    assert nudge_suppression_reason(str(CHECKOUT)) == "welcome_hidden"
