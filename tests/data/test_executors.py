"""Processes end with what they work for, and whatever is wrong with them is one line."""

import multiprocessing
import os
import signal
import sys
import threading
import time

import pytest

from telucodec.data.executors import cluster, in_turn, processes, submit_all
from telucodec.errors import TelucodecError


def none_left(within_s=60):
    """Whether all children end; the pool's thread may have heard of an end that this one does not know yet."""
    give_up = time.monotonic() + within_s
    while multiprocessing.active_children() and time.monotonic() < give_up:
        time.sleep(0.01)
    return not multiprocessing.active_children()


def test_what_is_submitted_comes_back_in_order():
    with processes(2) as pool:
        futures = submit_all(pool, divmod, [(7, 2), (9, 4)])
        assert [future.result() for future in futures] == [(3, 1), (2, 1)]


def test_a_killed_process_is_one_line_that_says_what_to_do():
    with pytest.raises(TelucodecError, match="run the same again with fewer jobs"), processes(1) as pool:
        submit_all(pool, os._exit, [(1,)])[0].result()


def test_a_block_that_fails_leaves_no_process_behind():
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), processes(2) as pool:
        submit_all(pool, time.sleep, [(600,), (600,)])
        assert len(multiprocessing.active_children()) == 2
        raise KeyboardInterrupt
    assert none_left() and time.monotonic() - start < 300


def test_work_in_turn_that_is_stopped_ends_without_a_word(monkeypatch):
    complaints = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.5)  # while the first result is waited for
            list(in_turn(time.sleep, [600.0] * 40, 2))
    finally:
        signal.signal(signal.SIGALRM, before)
    for thread in threading.enumerate():
        if "ExecutorManager" in type(thread).__name__:
            thread.join(60)
    assert not complaints and none_left()


def test_without_dask_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(TelucodecError, match=r'pip install "telucodec\[cluster\]"'), cluster("tcp://127.0.0.1:1", []):
        pass


def test_workers_that_do_not_see_a_folder_are_named(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=":0") as local:
        with cluster(local.scheduler_address, [tmp_path]) as executor:
            assert submit_all(executor, divmod, [(7, 2)])[0].result() == (3, 1)
        with pytest.raises(TelucodecError, match="tcp://.*: does not see .*gone"), cluster(local.scheduler_address, [tmp_path / "gone"]):
            pass
