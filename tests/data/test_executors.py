"""Processes end with what they work for, and whatever is wrong with them is one line."""

import multiprocessing
import os
import sys
import time

import pytest

from telucodec.data.executors import cluster, processes, submit_all
from telucodec.errors import TelucodecError


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
    assert not multiprocessing.active_children() and time.monotonic() - start < 300


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
