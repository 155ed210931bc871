"""`hub start`: the one command of the README: a demo market if there are no bars yet, then the hub."""

from importlib import import_module

from ml_scripts import app, demo_state
from ml_scripts.console import JsonFlag, opened, run


def command(
    port: app.PortOption = 8501,
    address: app.AddressOption = None,
    browser: app.BrowserOption = True,
    as_json: JsonFlag = False,
) -> None:
    """Make the demo market when the store is empty (an interrupted one goes on), and open the hub."""
    app.refuse_where_it_cannot_listen(port, address)
    with opened() as hub:
        stored = hub.stored_instruments()
        if not stored or (stored == [demo_state.SYMBOL] and not demo_state.is_complete(hub.store)):
            # What makes the market takes a second to load, and every start but the first goes without it.
            import_module("ml_scripts.demo").make_demo(hub, as_json=as_json)
    app.serve(port, address, browser=browser, as_json=as_json)


if __name__ == "__main__":
    run(command)
