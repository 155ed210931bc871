"""`hub instrument`: a new one is written, valid as it is, and used at once; nothing is overwritten."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ml_data.ingest import ingest
from ml_data.store import Store
from ml_scripts.instrument import cli
from tests.ml_data.clock_bars import minute
from tests.ml_data.test_ingest import NOW
from trading.domain.instrument_files import checked_instrument, find_instrument
from trading.errors import HubError
from trading.settings import SHIPPED_INSTRUMENTS


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "config" / "instruments"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments)
    if isinstance(result.exception, HubError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "tick", "point_value", "currency", "calendar"),
    [
        (("TSLA", "--kind", "equity"), 0.01, 1, "USD", "XNYS"),
        (("vod", "--kind", "equity", "--calendar", "XLON", "--currency", "GBP"), 0.01, 1, "GBP", "XLON"),
        (("USDJPY", "--kind", "fx"), 0.001, 100_000, "JPY", "FX"),
        (("CL", "--kind", "futures"), 0.01, 1000, "USD", "CMES"),
        (("KC", "--kind", "futures", "--tick", "0.05", "--point-value", "375"), 0.05, 375, "USD", "CMES"),
        (("ETHUSDT", "--kind", "crypto"), 0.01, 1, "USDT", "24/7"),
        (("SHIB", "--kind", "crypto", "--tick", "0.00000001", "--name", 'a "dog" \\ coin'), 1e-08, 1, "USDT", "24/7"),
    ],
)
def test_a_new_one_is_valid_as_written(own: Path, arguments, tick, point_value, currency, calendar):
    code, said = run("new", *arguments)
    symbol = arguments[0].upper()
    assert (code, said.splitlines()[0]) == (0, f"{own / symbol}.toml: written.")
    told = checked_instrument(own / f"{symbol}.toml")
    assert (told.tick, told.point_value, told.currency, told.exchange_calendar) == (
        tick,
        point_value,
        currency,
        calendar,
    )
    assert run("check", symbol)[0] == 0


def test_hours_of_a_share_are_those_of_its_exchange(own: Path):
    run("new", "SAP", "--kind", "equity", "--calendar", "XETR", "--currency", "EUR")
    told = checked_instrument(own / "SAP.toml")
    assert told.trading_day.zone == "Europe/Berlin"
    assert [(rule.name, f"{rule.starts:%H:%M}") for rule in told.opening_ranges] == [
        ("0900-5", "09:00"), ("0900-15", "09:00"), ("0900-30", "09:00"),
    ]  # fmt: skip


def test_nothing_is_overwritten(own: Path):
    run("new", "TSLA", "--kind", "equity")
    (own / "TSLA.toml").write_text("mine", encoding="utf-8")
    code, said = run("new", "TSLA", "--kind", "equity")
    assert (code, said) == (
        2,
        f"{own}/TSLA.toml: is there already, and nothing is overwritten; edit it, or move it away.",
    )
    assert (own / "TSLA.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("FOO",), "FOO: say what it is: --kind futures, fx, equity or crypto."),
        (("FOO", "--kind", "fx", "--tick", "-1"), "Nothing was written: FOO.toml:6: tick: expected a number"),
        (("FOO", "--kind", "fx", "--tick", "nan"), "Nothing was written: FOO.toml:6: tick: expected a finite number"),
        (("FOO", "--kind", "equity", "--calendar", "LSE2"), "--calendar: 'LSE2' is no calendar of exchange_"),
        (("../FOO", "--kind", "fx"), "'../FOO' is not a symbol: expected 1 to 12 letters A-Z and digits"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(own: Path, arguments, said: str):
    code, found = run("new", *arguments)
    assert code == 2
    assert found.startswith(said)
    assert not own.exists() or not list(own.iterdir())


def test_a_shipped_one_is_copied_to_be_changed_and_goes_before_it(own: Path):
    code, said = run("new", "ES")
    assert (code, said.splitlines()[1]) == (0, "It goes before the ES that comes with the hub.")
    path = own / "ES.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("2.25", "1.5"), encoding="utf-8")
    assert find_instrument((own, SHIPPED_INSTRUMENTS), "ES").costs.commission_per_side == 1.5
    listed = json.loads(run("list", "--json")[1])["instruments"]
    assert {row["symbol"]: row["origin"] for row in listed if row["symbol"] in ("ES", "NQ")} == {
        "ES": "own", "NQ": "shipped",
    }  # fmt: skip


def test_check_leaves_with_1_and_names_file_line_and_key(own: Path):
    run("new", "TSLA", "--kind", "equity")
    path = own / "TSLA.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("minutes = 15", 'minutes = "15"'), encoding="utf-8")
    code, said = run("check")
    assert code == 1
    assert f"{path}:41: opening_ranges.1.minutes: expected a valid integer, found '15'." in said
    assert run("show", "TSLA")[0] == 2


def test_show_tells_the_windows_of_a_day_in_utc(own: Path):
    code, said = run("show", "xauusd", "--day", "2024-03-11", "--json")
    windows = {each["name"]: each["starts_at"] for each in json.loads(said)["windows"]}
    assert code == 0
    assert (windows["london-15"], windows["ny-15"]) == ("2024-03-11T08:00:00+00:00", "2024-03-11T12:30:00+00:00")


def test_a_new_share_takes_a_vendors_bars_at_once_with_sub_penny_prices_rounded_and_counted(own: Path, tmp_path: Path):
    run("new", "TSLA", "--kind", "equity")
    tsla = find_instrument((own, SHIPPED_INSTRUMENTS), "TSLA")
    stamps = [minute("2024-01-10T14:30") + n for n in range(3)]
    bars = pa.table(
        {
            "ts": pa.array([at * 60_000_000 for at in stamps]).cast(pa.timestamp("us", tz="UTC")),
            "open": [235.1, 235.2051, 235.3],
            "high": [235.5, 235.5, 235.4972],
            "low": [235.0, 235.0, 235.0],
            "close": [235.2, 235.3, 235.4],
            "volume": [100, 200, 300],
        }
    )
    pq.write_table(bars, tmp_path / "bars.parquet")
    store = Store(tmp_path / "store")
    [report] = ingest(store, tsla, [tmp_path / "bars.parquet"], now=NOW)
    assert (report.refusal, report.rows_stored) == (None, 3)
    assert (
        "prices between two ticks were rounded to the nearest 0.01, as the instrument's off_grid says, in 2 rows"
        in (report.warnings)
    )
    with store.market() as cursor:
        stored = cursor.execute("SELECT open, high FROM market.bars_1m ORDER BY ts").fetchall()
    store.close()
    assert stored == [(235.1, 235.5), (235.21, 235.5), (235.3, 235.5)]
