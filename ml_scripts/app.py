"""`hub app`: opens the hub in the browser, on this machine alone."""

import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Annotated

import typer

from ml_scripts.console import BAD_INPUT, JsonFlag, fail, run, say
from trading.errors import HubError
from trading.settings import CHECKOUT, FILE_VARIABLE, read_settings, settings_file

HOST = "127.0.0.1"
LAST_PORT = 65_535
PortOption = Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Port on this machine.")]
BrowserOption = Annotated[bool, typer.Option(help="Open the page in the browser.")]


def command(port: PortOption = 8501, browser: BrowserOption = True, as_json: JsonFlag = False) -> None:
    """Serve the hub until it is interrupted."""
    serve(port, browser=browser, as_json=as_json)


def refuse_port_in_use(port: int) -> None:
    """Raise when `port` cannot be had, before anything is started."""
    other = port + 1 if port < LAST_PORT else port - 1
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # elsewhere the option would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise HubError(f"Port {port} is not for this user; choose one above 1023: --port 8501") from error
        except OSError as error:
            raise HubError(
                f"Port {port} is in use. Is the hub open already? Else choose another: --port {other}"
            ) from error


def serve(port: int, *, browser: bool, as_json: bool = False) -> None:
    """Serve the hub on `port` until it is interrupted; what Streamlit says goes to stderr."""
    settings = read_settings()
    refuse_port_in_use(port)
    address = f"http://{HOST}:{port}"
    say(f"The hub is at {address}. Stop it with Ctrl+C.", {"address": address}, as_json=as_json)
    sys.stdout.flush()
    command_line = [sys.executable, "-m", "streamlit", "run", str(CHECKOUT / "app_trading_hub.py")]
    options = [
        f"--server.port={port}",
        f"--server.address={HOST}",
        f"--server.headless={'false' if browser else 'true'}",
        "--server.showEmailPrompt=false",  # a first start would wait for an answer, or fail where nobody can give one
        "--browser.gatherUsageStats=false",
    ]
    # Streamlit looks for its own settings where it starts; ours are those of the folder that we were started from.
    settings_too = {"HUB_HOME": str(settings.home)}
    if settings_file().is_file():
        settings_too[FILE_VARIABLE] = str(settings_file())
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [*command_line, *options], cwd=CHECKOUT, env={**os.environ, **settings_too}, stdout=2
    )
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        process.terminate()

    signal.signal(signal.SIGTERM, stop)  # else the pages would go on without us
    try:
        code = process.wait()
    except KeyboardInterrupt:
        stop()
        code = process.wait()
    if code != 0 and not stopped.is_set():
        fail(
            [f"The hub stopped with code {code}; the lines above say why."], code=BAD_INPUT
        )  # the object is out already


if __name__ == "__main__":
    run(command)
