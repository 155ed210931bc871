"""`hub start`: the one command of the README: a demo market if there are no bars yet, then the hub."""

from ml_scripts import app, demo
from ml_scripts.console import JsonFlag, opened, run


def command(port: app.PortOption = 8501, browser: app.BrowserOption = True, as_json: JsonFlag = False) -> None:
    """Make the demo market when the store is empty (an interrupted one goes on), and open the hub."""
    app.refuse_port_in_use(port)
    with opened() as hub:
        stored = hub.stored_instruments()
        if not stored or (stored == [demo.SYMBOL] and not demo.is_complete(hub)):
            demo.make_demo(hub, as_json=as_json)
    app.serve(port, browser=browser, as_json=as_json)


if __name__ == "__main__":
    run(command)
