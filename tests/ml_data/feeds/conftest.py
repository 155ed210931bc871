"""Tests marked `own_thread` run in a thread of their own.

`ib_async` keeps one event loop for the whole process, and the browser tests leave one running in the main thread of the
same worker, where no other may run.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if pyfuncitem.get_closest_marker("own_thread") is None:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with ThreadPoolExecutor(1, initializer=_take_the_loop) as thread:
        thread.submit(pyfuncitem.obj, **arguments).result()
    return True


def _take_the_loop() -> None:
    from ib_async import util

    asyncio.set_event_loop(util.getLoop())
