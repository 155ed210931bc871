"""What tests do with a store, in one line each."""

import threading
from collections.abc import Callable

from ml_data.store import Store


def act(store: Store, prediction_id: str) -> None:
    with store.journal_write() as cursor:
        cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'followed')", [prediction_id])


def acts(store: Store) -> list[str]:
    with store.journal() as cursor:
        question = "SELECT prediction_id FROM journal.ml_actions ORDER BY prediction_id"
        return [name for (name,) in cursor.execute(question).fetchall()]


def in_threads(*works: Callable[[], None]) -> list[BaseException]:
    """Run the callables at the same time; return what they raised."""
    raised: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
