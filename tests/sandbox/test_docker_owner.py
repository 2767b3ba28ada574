"""Whose container it is, and when nobody can still want it."""

import os
import subprocess
import sys
import time

import pytest

from treeact.sandbox.docker import owner


@pytest.fixture
def ours() -> dict[str, str]:
    return owner.labels(lifetime=60)


def test_our_own_container_is_kept(ours: dict[str, str]) -> None:
    assert not owner.is_stale(ours)


def test_a_container_past_its_deadline_is_stale(ours: dict[str, str]) -> None:
    assert owner.is_stale({**ours, "treeact.deadline": str(int(time.time()) - 1)})


def test_a_container_of_an_earlier_boot_is_stale(ours: dict[str, str]) -> None:
    assert owner.is_stale({**ours, "treeact.boot": "another"})


def test_another_machine_is_not_judged_before_the_deadline(ours: dict[str, str]) -> None:
    theirs = {**ours, "treeact.machine": "another", "treeact.boot": "x", "treeact.owner": "1 2 3"}
    assert not owner.is_stale(theirs)


def test_another_process_namespace_is_not_judged(ours: dict[str, str]) -> None:
    pid, start, _ = ours["treeact.owner"].split(" ")
    assert not owner.is_stale({**ours, "treeact.owner": f"{pid} {start}1 pid:[1]"})


def test_a_dead_owner_leaves_a_stale_container(ours: dict[str, str]) -> None:
    code = "import json; from treeact.sandbox.docker import owner; print(owner.labels(lifetime=60))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    labels = eval(process.communicate()[0])
    assert labels["treeact.owner"].startswith(f"{process.pid} ")
    assert owner.is_stale(labels)


def test_a_pid_given_out_again_is_another_owner(ours: dict[str, str]) -> None:
    pid, start, namespace = ours["treeact.owner"].split(" ")
    assert int(pid) == os.getpid()
    assert owner.is_stale({**ours, "treeact.owner": f"{pid} {int(start) - 1} {namespace}"})


@pytest.mark.parametrize("pid", ["", "x", "-1", "0", "1e9", "nan", "9" * 30, "\0"])
def test_damaged_labels_do_not_break_the_sweep(ours: dict[str, str], pid: str) -> None:
    namespace = ours["treeact.owner"].split(" ")[2]
    for name in ours:
        owner.is_stale({**ours, name: f"{pid} 1 {namespace}"})
        owner.is_stale({**ours, name: pid})
    owner.is_stale({})
