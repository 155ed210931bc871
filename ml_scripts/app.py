"""`hub app`: opens the hub in the browser, on this machine alone."""

import socket
import subprocess
import sys
from typing import Annotated

import typer

from ml_scripts.console import run, say
from trading.errors import HubError
from trading.settings import CHECKOUT, read_settings

HOST = "127.0.0.1"


def command(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Serve the hub until it is interrupted."""
    read_settings()
    serve(port, browser=browser)


def refuse_port_in_use(port: int) -> None:
    """Raise when something answers on `port` already, before anything is started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise HubError(f"Port {port} is in use. Is the hub open already? Else choose another: --port {port + 1}")


def serve(port: int, *, browser: bool) -> None:
    """Serve the hub on `port` until it is interrupted."""
    refuse_port_in_use(port)
    say(f"The hub is at http://{HOST}:{port}. Stop it with Ctrl+C.")
    command_line = [sys.executable, "-m", "streamlit", "run", str(CHECKOUT / "app_trading_hub.py")]
    options = [
        f"--server.port={port}",
        f"--server.address={HOST}",
        f"--server.headless={'false' if browser else 'true'}",
        "--browser.gatherUsageStats=false",
    ]
    process = subprocess.Popen([*command_line, *options], cwd=CHECKOUT)  # noqa: S603 - our own arguments
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return
    if code != 0:
        raise HubError(f"The hub stopped with code {code}; the lines above say why.")


if __name__ == "__main__":
    run(command)
