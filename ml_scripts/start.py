"""`hub start`: the one command of the README: a demo market if there are no bars yet, then the hub."""

from typing import Annotated

import typer

from ml_scripts import app, demo
from ml_scripts.console import opened, run


def command(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Make the demo market when the store is empty (an interrupted one goes on), and open the hub."""
    app.refuse_port_in_use(port)
    with opened() as hub:
        stored = hub.stored_instruments()
        if not stored or (stored == [demo.SYMBOL] and not demo.is_complete(hub)):
            demo.make_demo(hub)
    app.serve(port, browser=browser)


if __name__ == "__main__":
    run(command)
