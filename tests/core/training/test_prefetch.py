"""Batches: in order, whatever the workers do; errors come out where they belong; epochs cover the data once."""

import threading
import time

import pytest
import torch
from batch_sources import broken_source, slow_source

from casecnn.errors import UsageError
from casecnn.seeds import derive_seed
from casecnn.training.epochs import EpochSource
from casecnn.training.prefetch import Prefetcher


def batch_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("batch")]


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    assert holds()


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_batches_come_in_order(workers):
    with Prefetcher(slow_source, 5, 45, rank=1, world=2, workers=workers) as batches:
        seen = [batch[0].tolist() for batch in batches]
        assert seen == [[step, 1, 2] for step in range(5, 45)]
        with pytest.raises(StopIteration):
            next(batches)
    assert not batch_threads()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_source_comes_at_its_step(workers):
    with Prefetcher(broken_source, 0, 10, workers=workers) as batches:
        assert [next(batches)[0].item() for _ in range(3)] == [0, 1, 2]
        with pytest.raises(RuntimeError, match="no batch 3"):
            next(batches)
    assert not batch_threads()


def test_the_queue_is_bounded_and_closing_early_ends_the_threads():
    made = []

    def source(step, rank, world):
        made.append(step)
        return (torch.tensor(step),)

    batches = Prefetcher(source, 0, 1000, workers=2, ahead=6)
    next(batches)
    wait_until(lambda: len(made) >= 7)
    time.sleep(0.05)  # time for more than there may be
    assert sorted(made) == list(range(7))
    batches.close()
    batches.close()
    assert not batch_threads() and len(made) == 7
    with pytest.raises(StopIteration):
        next(batches)


def test_waiting_is_measured():
    made = []

    def source(step, rank, world):
        time.sleep(0.02)
        made.append(step)
        return (torch.tensor(step),)

    with Prefetcher(source, 0, 5, workers=0) as batches:
        assert len(list(batches)) == 5
        assert batches.waited >= 0.1
    made.clear()
    with Prefetcher(source, 0, 50, workers=1, ahead=50) as batches:
        wait_until(lambda: len(made) == 50)
        assert len(list(batches)) == 50
        assert batches.waited < 1.0  # the second in which they were made is no waiting


@pytest.mark.slow
def test_worker_processes_give_the_same_batches_and_errors():
    source = EpochSource((torch.arange(40.0),), 8, seed=1)
    with Prefetcher(source, 0, 6, workers=1, kind="process") as batches:
        assert all(torch.equal(batch[0], source(step)[0]) for step, batch in enumerate(batches))
    with Prefetcher(broken_source, 3, 10, workers=1, kind="process") as batches:
        with pytest.raises(RuntimeError, match="no batch 3"):
            next(batches)


@pytest.mark.parametrize(
    ("options", "shown"), [({"workers": -1}, "`workers` .=-1."), ({"kind": "fork"}, "`worker_kind`")]
)
def test_options_are_checked(options, shown):
    with pytest.raises(UsageError, match=shown):
        Prefetcher(slow_source, 0, 1, **options)


def drawn(source, steps, world=1):
    return [torch.cat([source.indices(step, rank, world) for rank in range(world)]).tolist() for step in range(steps)]


def test_stream_shows_every_sample_once_an_epoch_in_full_batches():
    source = EpochSource((torch.arange(10), torch.arange(10)), 4, seed=2)
    batches = drawn(source, 10)
    assert all(len(batch) == 4 for batch in batches)
    stream = sum(batches, [])
    epochs = [stream[i : i + 10] for i in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4  # another order each time
    assert (source.steps(1), source.steps(2), source.steps(2, world=2)) == (3, 5, 3)
    assert sorted(sum(drawn(EpochSource([0, 1, 2], 7), 3), [])) == [0] * 7 + [1] * 7 + [2] * 7  # batch over the data


def test_drop_and_keep():
    data = (torch.arange(10),)
    dropped = drawn(EpochSource(data, 4, last="drop"), 4)
    assert [len(batch) for batch in dropped] == [4, 4, 4, 4]
    assert all(len({*dropped[i], *dropped[i + 1]}) == 8 for i in (0, 2))
    kept = drawn(EpochSource(data, 4, last="keep"), 6)
    assert [len(batch) for batch in kept] == [4, 4, 2, 4, 4, 2]
    assert sorted(sum(kept[:3], [])) == list(range(10)) == sorted(sum(kept[3:], []))
    assert EpochSource(data, 4, last="drop").steps(3) == 6 and EpochSource(data, 4, last="keep").steps(3) == 9
    with pytest.raises(UsageError, match="one process only"):
        EpochSource(data, 4, last="keep").indices(0, 0, 2)
    with pytest.raises(UsageError, match="batch_size` times processes .=16. must be at most"):
        EpochSource(data, 8, last="drop").indices(0, 0, 2)


@pytest.mark.parametrize("last", ["stream", "drop"])
def test_two_processes_see_what_one_with_the_doubled_batch_sees(last):
    data = (torch.arange(23),)
    assert drawn(EpochSource(data, 4, seed=3, last=last), 20, 2) == drawn(EpochSource(data, 8, seed=3, last=last), 20)


def test_samples_come_from_tensors_and_from_sequences_and_are_augmented_by_step():
    x, y = torch.arange(12.0).reshape(6, 2), torch.arange(6)
    rows = EpochSource([(x[i], int(y[i])) for i in range(6)], 4, seed=4)(1)
    both = EpochSource((x, y), 4, seed=4)(1)
    assert torch.equal(rows[0], both[0]) and torch.equal(rows[1], both[1])

    def jitter(batch, generator):
        return batch[0] + torch.rand(batch[0].shape, generator=generator), batch[1]

    source = EpochSource((x, y), 4, seed=4, augment=jitter)
    assert torch.equal(source(1)[0], source(1)[0]) and torch.equal(source(1)[1], both[1])
    assert not torch.equal(source(1)[0] - both[0], source(2)[0] - EpochSource((x, y), 4, seed=4)(2)[0])


def test_epoch_source_checks_its_data():
    with pytest.raises(UsageError, match=r"equally long, they have \[3, 4\]"):
        EpochSource((torch.zeros(3), torch.zeros(4)), 2)
    with pytest.raises(UsageError, match="no samples"):
        EpochSource([], 2)
    with pytest.raises(UsageError, match="`last`"):
        EpochSource([1], 2, last="repeat")
    with pytest.raises(UsageError, match="`batch_size` .=0."):
        EpochSource([1], 0)


def test_seeds_depend_on_every_part_and_its_place():
    seeds = {
        derive_seed(seed, *parts) for seed in (0, 1) for parts in ((), (0,), (1,), (0, 1), (1, 0), (0, 0), (2**40,))
    }
    assert len(seeds) == 14 and all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(7, 1, 2) == derive_seed(7, 1, 2)
