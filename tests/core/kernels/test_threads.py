"""Fewer threads while other programs keep the cores busy, and the same numbers from them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time

import pytest
import torch

from casecnn.inference.prepare import YieldCores, prepare
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.threads import PERIOD, FreeCores, other_programs
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build


class Machine:
    """A made-up machine: a number of busy threads of others, and a clock that is set by hand."""

    def __init__(self, others: int | None = 0) -> None:
        self.others, self.now, self.looks = others, 0.0, 0

    def look(self) -> int | None:
        self.looks += 1
        return self.others

    def clock(self) -> float:
        return self.now


def test_threads_are_as_many_as_free_cores():
    machine = Machine()
    free = FreeCores(machine.look, machine.clock, cores=4)
    assert [free.threads(most) for most in (4, 2, 1)] == [4, 2, 1] and machine.looks == 1
    machine.others = 2
    assert free.threads(4) == 4  # it looks now and then only
    for _ in range(6):
        machine.now += PERIOD
        last = free.threads(4)
    assert last == 2 and free.threads(2) == 2 and free.threads(1) == 1
    machine.others = 40
    for _ in range(6):
        machine.now += PERIOD
        last = free.threads(4)
    assert last == 1  # one at least
    machine.others = 0
    for _ in range(10):
        machine.now += PERIOD
        last = free.threads(4)
    assert last == 4


def test_a_short_visitor_costs_no_thread():
    machine = Machine()
    free = FreeCores(machine.look, machine.clock, cores=8)
    free.threads(8)
    machine.others, machine.now = 1, PERIOD
    assert free.threads(8) == 8  # a third of a core on average
    machine.others, machine.now = 0, 2 * PERIOD
    assert free.threads(8) == 8


def test_half_a_core_costs_no_thread_but_a_whole_one_does():
    machine = Machine()
    free = FreeCores(machine.look, machine.clock, cores=2)
    for look in range(20):
        machine.others, machine.now = look % 2, machine.now + PERIOD
        assert free.threads(2) == 2
    found = []
    machine.others = 1
    for _ in range(6):
        machine.now += PERIOD
        found.append(free.threads(2))
    assert found[0] == 2 and found[-1] == 1


def test_where_the_system_does_not_say_all_threads_are_taken():
    machine = Machine(None)
    free = FreeCores(machine.look, machine.clock, cores=2)
    for _ in range(3):
        assert free.threads(2) == 2
        machine.now += 10
    assert machine.looks == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is runnable")
def test_a_busy_process_is_seen():
    process = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        found = []
        for _ in range(50):
            found.append(other_programs())
            time.sleep(0.01)
        assert sum(found) / len(found) > 0.5
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Probe(torch.nn.Module):
    """Says how many threads it is given."""

    def forward(self, x):
        if x is None:
            raise ValueError("no input")
        return torch.get_num_threads()


def test_a_module_computes_with_fewer_threads_and_leaves_the_setting_as_it_was():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        machine, module = Machine(2), Probe()
        YieldCores(module, FreeCores(machine.look, machine.clock, cores=4))
        assert module(1) == 2 and torch.get_num_threads() == 3
        with pytest.raises(ValueError, match="no input"):
            module(None)
        assert torch.get_num_threads() == 3
        machine.others = 0
        for _ in range(8):
            machine.now += PERIOD
            found = module(1)
        assert found == 3
        torch.set_num_threads(1)
        assert module(1) == 1 and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


def test_the_number_of_threads_changes_no_number():
    threads = torch.get_num_threads()
    net = get_net("resnet20")
    fast = prepare(build(net, seed=0), allowed=Allowed(fewer_threads=False))
    x = torch.randn(3, *net.input, generator=torch.Generator().manual_seed(1))
    try:
        with torch.inference_mode():
            answers = []
            for number in (1, 2, 3):
                torch.set_num_threads(number)
                answers.append(fast(x).clone())
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(answers[0], answers[1]) and torch.equal(answers[0], answers[2])


def test_the_hooks_can_be_pickled():
    module = Probe()
    YieldCores(module)
    assert pickle.loads(pickle.dumps(module))(1) >= 1
