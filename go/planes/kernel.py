"""The 48 planes of compact positions as a Triton kernel; `casecnn.go.planes.on_gpu` launches it.

A program makes the planes of one board. A lane of its blocks is a point. What a lane must know of other
points goes through a scratch buffer in global memory, which stays in the cache: store, barrier, load, since Triton may
give a point to another thread at each access.

Chains are labelled by their smallest point: every stone takes the least label of its neighbours of one colour, and
then the label of that, until nothing changes. Sets of points are bits: for each chain of the side to play its
liberties and the stones in atari beside it, for each opponent's chain in atari its stones. The liberties after a move
are then the union of the sets of the chains that it joins and of the points beside it, of which count those that are
empty and those that are captured.

Written for Triton 3.2 and later. Importing it needs Triton, which comes with torch's builds for CUDA.
"""

from __future__ import annotations

import triton
import triton.language as tl

from casecnn.go.planes.compact import AGE_SHIFT, CAPTURE_SHIFT, ESCAPE_SHIFT
from casecnn.go.planes.table import OFFSETS
from casecnn.go.planes.table import PLANES as PLANES_OF_TABLE

AGE = tl.constexpr(AGE_SHIFT)
CAPTURE = tl.constexpr(CAPTURE_SHIFT)
ESCAPE = tl.constexpr(ESCAPE_SHIFT)
PLANES = tl.constexpr(PLANES_OF_TABLE)
STONES = tl.constexpr(OFFSETS["stone colour"].start)
ONES = tl.constexpr(OFFSETS["ones"].start)
TURNS_SINCE = tl.constexpr(OFFSETS["turns since"].start)
LIBERTIES = tl.constexpr(OFFSETS["liberties"].start)
CAPTURE_SIZE = tl.constexpr(OFFSETS["capture size"].start)
SELF_ATARI_SIZE = tl.constexpr(OFFSETS["self-atari size"].start)
LIBERTIES_AFTER = tl.constexpr(OFFSETS["liberties after move"].start)
LADDER_CAPTURE = tl.constexpr(OFFSETS["ladder capture"].start)
LADDER_ESCAPE = tl.constexpr(OFFSETS["ladder escape"].start)
SENSIBLENESS = tl.constexpr(OFFSETS["sensibleness"].start)

WALL = tl.constexpr(4)
CHUNK = tl.constexpr(1024)


def scratch_words(size: int, block: int) -> int:
    """The int32 words of scratch that a program needs: labels and two counts, sets of points, planes of the points."""
    return 5 * block + set_words(size) * (block + 2)


def set_words(size: int) -> int:
    """The int32 words of a set of points."""
    return (size * size + 31) // 32


@triton.jit
def _beside(board, point, row, column, rows: tl.constexpr, columns: tl.constexpr, size: tl.constexpr):
    """What lies on the point so many rows and columns away: 0 empty, 1 own, 2 opponent's, `WALL`."""
    r = row + rows
    c = column + columns
    inside = (r >= 0) & (r < size) & (c >= 0) & (c < size) & (row < size)
    value = tl.load(board + point + rows * size + columns, mask=inside, other=0).to(tl.int32) & 3
    return tl.where(inside, tl.where(value == 3, 0, value), WALL)


@triton.jit
def _bits(number):
    """The number of bits that are set in an int32."""
    x = number.to(tl.uint32, bitcast=True)
    x = x - ((x >> 1) & 0x55555555)
    x = (x & 0x33333333) + ((x >> 2) & 0x33333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F
    x = x + (x >> 8)
    x = x + (x >> 16)
    return (x & 0x3F).to(tl.int32)


@triton.jit
def _one_hot(offset: tl.constexpr, value, where):
    """A bit at the plane `offset` + min(value, 7), where the condition holds."""
    return tl.where(where, tl.full(value.shape, 1, tl.int64) << (tl.minimum(value, 7) + offset).to(tl.int64), 0)


@triton.jit
def planes_kernel(compact, planes, scratch, size: tl.constexpr, block: tl.constexpr, words: tl.constexpr):
    """Write planes [programs, size, size, 48] in their number format for compact uint8 [programs, size * size].

    `scratch` int32 [programs, `scratch_words`]; `block`: a power of 2, at least size * size and as many as threads;
    `words` is `set_words(size)`.
    """
    points: tl.constexpr = size * size
    none: tl.constexpr = block  # stands for no chain; its set holds the empty points
    pitch: tl.constexpr = block + 2  # even, so that the numbers of 64 bits lie on even words
    number = tl.program_id(0).to(tl.int64)
    scratch += number * (5 * block + words * (block + 2))
    labels = scratch
    sizes = scratch + block
    liberties = scratch + 2 * block
    found = scratch + 3 * block  # int64 [block], on an even word
    sets = scratch + 5 * block  # [words, pitch]
    point = tl.arange(0, block)
    row = point // size
    column = point - row * size
    on_board = point < points
    chunk = tl.arange(0, CHUNK)
    board = compact + number * points
    code = tl.load(board + point, mask=on_board, other=0).to(tl.int32)
    content = code & 3
    forbidden = content == 3
    content = tl.where(forbidden, 0, content)
    stone = on_board & (content > 0)
    empty = on_board & (content == 0)
    west = _beside(board, point, row, column, 0, -1, size)
    east = _beside(board, point, row, column, 0, 1, size)
    north = _beside(board, point, row, column, -1, 0, size)
    south = _beside(board, point, row, column, 1, 0, size)

    # Chains.
    tl.store(labels + point, point)
    tl.store(sizes + point, 0)
    tl.store(liberties + point, 0)
    for w in range(words):
        tl.store(sets + w * pitch + point, 0)
        tl.store(sets + w * pitch + none, 0)
    tl.debug_barrier()
    changed = 1
    while changed > 0:  # it carries no tensor, since Triton 3.2 cannot compile that
        old = tl.load(labels + point)
        new = tl.minimum(old, tl.load(labels + point - 1, mask=stone & (west == content), other=block))
        new = tl.minimum(new, tl.load(labels + point + 1, mask=stone & (east == content), other=block))
        new = tl.minimum(new, tl.load(labels + point - size, mask=stone & (north == content), other=block))
        new = tl.minimum(new, tl.load(labels + point + size, mask=stone & (south == content), other=block))
        new = tl.minimum(new, tl.load(labels + new))
        changed = tl.sum((new < old).to(tl.int32), 0)
        tl.debug_barrier()
        tl.store(labels + point, new)
        tl.debug_barrier()
    label = tl.load(labels + point)
    a = tl.load(labels + point - 1, mask=on_board & ((west == 1) | (west == 2)), other=none)
    b = tl.load(labels + point + 1, mask=on_board & ((east == 1) | (east == 2)), other=none)
    c = tl.load(labels + point - size, mask=on_board & ((north == 1) | (north == 2)), other=none)
    d = tl.load(labels + point + size, mask=on_board & ((south == 1) | (south == 2)), other=none)
    # A chain that is beside a point twice counts once.
    b = tl.where(b == a, none, b)
    c = tl.where((c == a) | (c == b), none, c)
    d = tl.where((d == a) | (d == b) | (d == c), none, d)
    tl.atomic_add(sizes + label, 1, mask=stone, sem="relaxed")
    tl.atomic_add(liberties + a, 1, mask=empty & (a != none), sem="relaxed")
    tl.atomic_add(liberties + b, 1, mask=empty & (b != none), sem="relaxed")
    tl.atomic_add(liberties + c, 1, mask=empty & (c != none), sem="relaxed")
    tl.atomic_add(liberties + d, 1, mask=empty & (d != none), sem="relaxed")
    tl.debug_barrier()
    chain_liberties = tl.load(liberties + label, mask=stone, other=0)
    a_own = (a != none) & (west == 1)
    b_own = (b != none) & (east == 1)
    c_own = (c != none) & (north == 1)
    d_own = (d != none) & (south == 1)
    a_taken = (tl.load(liberties + a, mask=a != none, other=0) == 1) & (west == 2)
    b_taken = (tl.load(liberties + b, mask=b != none, other=0) == 1) & (east == 2)
    c_taken = (tl.load(liberties + c, mask=c != none, other=0) == 1) & (north == 2)
    d_taken = (tl.load(liberties + d, mask=d != none, other=0) == 1) & (south == 2)

    # Sets.
    in_atari = stone & (content == 2) & (chain_liberties == 1)
    bit = tl.full((block,), 1, tl.int32) << (point & 31)
    word = sets + (point >> 5) * pitch
    counts = empty | in_atari
    tl.atomic_or(word + none, bit, mask=empty, sem="relaxed")
    tl.atomic_or(word + label, bit, mask=in_atari, sem="relaxed")
    tl.atomic_or(word + a, bit, mask=counts & a_own, sem="relaxed")
    tl.atomic_or(word + b, bit, mask=counts & b_own, sem="relaxed")
    tl.atomic_or(word + c, bit, mask=counts & c_own, sem="relaxed")
    tl.atomic_or(word + d, bit, mask=counts & d_own, sem="relaxed")
    tl.debug_barrier()

    # What a move does.
    captured = tl.load(sizes + a, mask=empty & a_taken, other=0)
    captured += tl.load(sizes + b, mask=empty & b_taken, other=0)
    captured += tl.load(sizes + c, mask=empty & c_taken, other=0)
    captured += tl.load(sizes + d, mask=empty & d_taken, other=0)
    chain_size = 1 + tl.load(sizes + a, mask=empty & a_own, other=0)
    chain_size += tl.load(sizes + b, mask=empty & b_own, other=0)
    chain_size += tl.load(sizes + c, mask=empty & c_own, other=0)
    chain_size += tl.load(sizes + d, mask=empty & d_own, other=0)
    free = tl.zeros((block,), tl.int32)
    for w in range(words):
        row_of_sets = sets + w * pitch
        in_a = tl.load(row_of_sets + a, mask=empty & (a_own | a_taken), other=0)
        in_b = tl.load(row_of_sets + b, mask=empty & (b_own | b_taken), other=0)
        in_c = tl.load(row_of_sets + c, mask=empty & (c_own | c_taken), other=0)
        in_d = tl.load(row_of_sets + d, mask=empty & (d_own | d_taken), other=0)
        reached = tl.where(a_own, in_a, 0) | tl.where(b_own, in_b, 0)
        reached |= tl.where(c_own, in_c, 0) | tl.where(d_own, in_d, 0)
        reached |= tl.where((west != WALL) & ((point - 1) >> 5 == w), 1 << ((point - 1) & 31), 0)
        reached |= tl.where((east != WALL) & ((point + 1) >> 5 == w), 1 << ((point + 1) & 31), 0)
        reached |= tl.where((north != WALL) & ((point - size) >> 5 == w), 1 << ((point - size) & 31), 0)
        reached |= tl.where((south != WALL) & ((point + size) >> 5 == w), 1 << ((point + size) & 31), 0)
        open_ = tl.load(row_of_sets + none)
        open_ |= tl.where(a_taken, in_a, 0) | tl.where(b_taken, in_b, 0)
        open_ |= tl.where(c_taken, in_c, 0) | tl.where(d_taken, in_d, 0)
        open_ &= tl.where(point >> 5 == w, ~bit, -1)
        free += _bits(reached & open_)
    legal = empty & (free > 0) & (forbidden == 0)

    # True eyes: points that fail are struck until none does; eyes that lean on each other stay.
    eye = empty & ((west == 1) | (west == WALL)) & ((east == 1) | (east == WALL))
    eye = eye & ((north == 1) | (north == WALL)) & ((south == 1) | (south == WALL))
    edge = (west == WALL) | (east == WALL) | (north == WALL) | (south == WALL)
    allowed = tl.where(edge, 0, 1)
    north_west = _beside(board, point, row, column, -1, -1, size)
    north_east = _beside(board, point, row, column, -1, 1, size)
    south_west = _beside(board, point, row, column, 1, -1, size)
    south_east = _beside(board, point, row, column, 1, 1, size)
    taken = (north_west == 2).to(tl.int32) + (north_east == 2).to(tl.int32)
    taken += (south_west == 2).to(tl.int32) + (south_east == 2).to(tl.int32)
    eyes = labels  # which are no longer needed
    tl.debug_barrier()
    tl.store(eyes + point, eye.to(tl.int32))
    tl.debug_barrier()
    changed = 1
    while changed > 0:
        kept = tl.load(eyes + point) == 1
        bad = taken + 1 - tl.load(eyes + point - size - 1, mask=kept & (north_west == 0), other=1)
        bad += 1 - tl.load(eyes + point - size + 1, mask=kept & (north_east == 0), other=1)
        bad += 1 - tl.load(eyes + point + size - 1, mask=kept & (south_west == 0), other=1)
        bad += 1 - tl.load(eyes + point + size + 1, mask=kept & (south_east == 0), other=1)
        struck = kept & (bad > allowed)
        changed = tl.sum(struck.to(tl.int32), 0)
        tl.debug_barrier()
        tl.store(eyes + point, 0, mask=struck)
        tl.debug_barrier()
    eye = tl.load(eyes + point) == 1

    # A bit for each plane, then a number for each bit, with the planes of a point side by side.
    age = (code >> AGE) & 7
    mask = _one_hot(STONES, tl.where(stone, content - 1, 2), on_board)
    mask |= _one_hot(ONES, point * 0, on_board)
    mask |= _one_hot(TURNS_SINCE, age, stone)
    mask |= _one_hot(LIBERTIES, chain_liberties - 1, stone & (chain_liberties > 0))
    mask |= _one_hot(CAPTURE_SIZE, captured, legal)
    mask |= _one_hot(SELF_ATARI_SIZE, chain_size - 1, legal & (free == 1))
    mask |= _one_hot(LIBERTIES_AFTER, free - 1, legal)
    mask |= _one_hot(LADDER_CAPTURE, point * 0, ((code >> CAPTURE) & 1) == 1)
    mask |= _one_hot(LADDER_ESCAPE, point * 0, ((code >> ESCAPE) & 1) == 1)
    mask |= _one_hot(SENSIBLENESS, point * 0, legal & (eye == 0))
    tl.store(found.to(tl.pointer_type(tl.int64)) + point, mask)
    tl.debug_barrier()
    out = planes + number * (points * PLANES)
    for start in range(0, points * PLANES, CHUNK):
        i = start + chunk
        inside = i < points * PLANES
        p = i // PLANES
        value = tl.load(found.to(tl.pointer_type(tl.int64)) + p, mask=inside, other=0)
        value = ((value >> (i - p * PLANES).to(tl.int64)) & 1).to(tl.int32).to(tl.float32)
        tl.store(out + i, value.to(planes.dtype.element_ty), mask=inside)
