"""`hub app`: opens the hub in the browser, on this machine alone unless a login lets a network in."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Annotated

import typer

from ml_scripts.console import BAD_INPUT, JsonFlag, fail, note, run, say
from trading.errors import HubError, NotAllowed
from trading.exposure import WAYS, is_loopback, login_gap
from trading.secret_values import login_of, secrets_files
from trading.settings import CHECKOUT, FILE_VARIABLE, HubSettings, read_settings, settings_file

LAST_PORT = 65_535
PortOption = Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Port on this machine.")]
AddressOption = Annotated[
    str | None,
    typer.Option(
        envvar="STREAMLIT_SERVER_ADDRESS",
        help="Where to listen (default: [access] address, 127.0.0.1); one that a network reaches asks for a login.",
    ),
]
BrowserOption = Annotated[bool, typer.Option(help="Open the page in the browser.")]


def command(
    port: PortOption = 8501, address: AddressOption = None, browser: BrowserOption = True, as_json: JsonFlag = False
) -> None:
    """Serve the hub until it is interrupted."""
    serve(port, address, browser=browser, as_json=as_json)


def refuse_where_it_cannot_listen(port: int, address: str | None) -> None:
    """Raise when `port` cannot be had, or the hub must not listen there, before anything is started."""
    settings = read_settings()
    host = address or settings.access.address
    _refuse_open_network(host, settings)
    other = port + 1 if port < LAST_PORT else port - 1
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # elsewhere the option would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise HubError(f"Port {port} is not for this user; choose one above 1023: --port 8501") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise HubError(f"--address {host}: not an address of this machine.") from error
            raise HubError(
                f"Port {port} is in use. Is the hub open already? Else choose another: --port {other}"
            ) from error


def _refuse_open_network(host: str, settings: HubSettings) -> None:
    """Raise when `host` is reached from a network, and people could not log in."""
    if is_loopback(host):
        return
    auth = login_of(settings.home)
    gap = login_gap(auth, settings.access, installed=find_spec("authlib") is not None)
    if gap is not None:
        raise NotAllowed(f"The hub does not listen at {host} without a login: {gap}. {WAYS}")
    if str(auth["redirect_uri"]).startswith("http://"):
        note("The login's redirect_uri is http: whoever sees the network's traffic sees its cookie. docs/security.md")


def serve(port: int, address: str | None, *, browser: bool, as_json: bool = False) -> None:
    """Serve the hub on `port` until it is interrupted; what Streamlit says goes to stderr."""
    settings = read_settings()
    refuse_where_it_cannot_listen(port, address)
    host = address or settings.access.address
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    say(f"The hub is at {url}. Stop it with Ctrl+C.", {"address": url}, as_json=as_json)
    sys.stdout.flush()
    command_line = [sys.executable, "-m", "streamlit", "run", str(CHECKOUT / "app_trading_hub.py")]
    options = [
        f"--server.port={port}",
        f"--server.address={host}",
        f"--server.headless={'false' if browser else 'true'}",
        "--server.showEmailPrompt=false",  # a first start would wait for an answer, or fail where nobody can give one
        "--browser.gatherUsageStats=false",
        "--server.enableCORS=true",
        "--server.enableXsrfProtection=true",
        *(f"--secrets.files={path}" for path in secrets_files(settings.home)),
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
