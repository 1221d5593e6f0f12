"""A step that Ctrl-C and SIGTERM do not cut in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold these signals back until what is done here is whole."""
    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread, and it alone may hold them
        yield
        return
    pressed = []
    handled = [number for number in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(number))]  # else it ends all at once
    before = {number: signal.signal(number, lambda number, frame: pressed.append(number)) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if pressed:
        signal.raise_signal(pressed[0])
