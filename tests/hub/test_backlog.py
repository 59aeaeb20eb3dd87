"""What a slow reader gets: whole groups of pictures, within bounds, all of it accounted for."""

import itertools
from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.hub.backlog import (
    LEAST_BYTES,
    LEAST_ITEMS,
    Allowance,
    Backlog,
    BacklogLimits,
    Budget,
)


@dataclass(frozen=True)
class Item:
    """``number`` counts everything offered; ``gop`` is the group a picture belongs to."""

    number: int
    gop: int = 0
    size: int = 10
    media_s: float = 0.0
    is_random_access: bool = False
    is_video: bool = True


def key(number: int, *, size: int = 10, media_s: float = 0.0) -> Item:
    return Item(number, size=size, media_s=media_s, is_random_access=True)


def sound(number: int) -> Item:
    return Item(number, is_random_access=True, is_video=False)


def make(
    *, max_items: int = 100, max_bytes: int = 10_000, max_delay_s: float = 1e9, budget: int = 10_000
) -> Backlog[Item]:
    return Backlog(BacklogLimits(max_items, max_bytes, max_delay_s), Budget(budget))


def numbers(backlog: Backlog[Item]) -> list[int]:
    return [backlog.pop().number for _ in range(len(backlog))]


def test_items_leave_in_the_order_they_came() -> None:
    backlog = make()
    for item in (key(0), Item(1), sound(2), Item(3)):
        backlog.push(item)
    assert backlog.size == 40
    assert numbers(backlog) == [0, 1, 2, 3]
    assert (backlog.size, backlog.dropped, backlog.episodes) == (0, 0, 0)


def test_waiting_for_random_access_drops_everything_else() -> None:
    backlog = make()
    backlog.await_random_access()
    for item in (Item(0), sound(1), key(2), Item(3), sound(4)):
        backlog.push(item)
    assert numbers(backlog) == [2, 3, 4]
    assert (backlog.dropped, backlog.episodes) == (2, 1)


def test_a_reader_of_audio_alone_enters_at_any_frame() -> None:
    backlog = make()
    backlog.has_video = False
    backlog.await_random_access()
    backlog.push(sound(0))
    assert numbers(backlog) == [0]


@pytest.mark.parametrize("limits", [{"max_items": 3}, {"max_bytes": 30}, {"budget": 30}])
def test_over_a_bound_all_goes_until_the_next_random_access(limits: dict[str, int]) -> None:
    backlog = make(**limits)
    for item in (key(0), Item(1), Item(2), Item(3), Item(4)):
        backlog.push(item)
    assert len(backlog) == 0
    assert (backlog.dropped, backlog.episodes) == (5, 1)
    backlog.push(key(5))
    backlog.push(Item(6))
    assert numbers(backlog) == [5, 6]


def test_a_random_access_point_that_fills_the_queue_replaces_it() -> None:
    backlog = make(max_items=3)
    for item in (key(0), Item(1), Item(2), key(3), Item(4)):
        backlog.push(item)
    assert numbers(backlog) == [3, 4]
    assert (backlog.dropped, backlog.episodes) == (3, 1)


def test_pictures_after_one_too_large_to_queue_are_dropped_with_it() -> None:
    backlog = make(max_bytes=100)
    for item in (key(0, size=101), Item(1), key(2), Item(3)):
        backlog.push(item)
    assert numbers(backlog) == [2, 3]
    assert backlog.dropped == 2


def readers(budget: Budget, number: int = 2) -> list[Backlog[Item]]:
    return [Backlog(BacklogLimits(), budget) for _ in range(number)]


def test_a_full_budget_empties_the_longest_queue_and_no_other() -> None:
    budget = Budget(100)
    hog, reader, other = readers(budget, 3)
    reader.push(key(0))
    other.push(key(0))
    hog.push(key(0, size=40))
    hog.push(Item(1, size=40))
    other.push(Item(1))
    assert (len(hog), hog.dropped, hog.episodes) == (0, 2, 1)
    assert (numbers(reader), reader.dropped) == ([0], 0)
    assert (numbers(other), other.dropped) == ([0, 1], 0)
    assert (budget.used_bytes, budget.shortages) == (0, 1)
    hog.push(Item(2))
    hog.push(key(3))
    assert numbers(hog) == [3]


def test_the_longest_queue_that_asks_for_more_is_emptied_itself() -> None:
    budget = Budget(100)
    hog, reader = readers(budget)
    reader.push(key(0))
    hog.push(key(0, size=85))
    hog.push(Item(1))
    assert (len(hog), hog.dropped, len(reader)) == (0, 2, 1)
    hog.push(key(2))
    assert numbers(hog) == [2]


def test_what_is_dropped_anyway_costs_nobody_else_anything() -> None:
    budget = Budget(100)
    hog, waiting = readers(budget)
    hog.push(key(0, size=95))
    waiting.await_random_access()
    waiting.push(Item(0))
    assert (len(hog), waiting.dropped, budget.shortages) == (1, 1, 0)


def test_an_item_above_all_memory_costs_nobody_else_anything() -> None:
    budget = Budget(100)
    reader, other = readers(budget)
    other.push(key(0))
    reader.push(key(0))
    reader.push(key(1, size=101))
    reader.push(Item(2))
    assert (len(reader), reader.dropped) == (0, 3)
    assert numbers(other) == [0]


def test_readers_of_one_camera_share_its_part_of_the_memory() -> None:
    """The longest queue of all belongs to another camera, and is left alone."""
    process = Budget(200)
    porch, yard = Budget(50, process), Budget(0, process)
    of_porch, of_yard = readers(porch), readers(yard)
    of_yard[0].push(key(0, size=80))
    of_porch[0].push(key(0, size=30))
    of_porch[1].push(key(0, size=15))
    of_porch[1].push(Item(1))
    assert [len(reader) for reader in (*of_porch, *of_yard)] == [0, 2, 1, 0]
    assert (porch.used_bytes, yard.used_bytes, process.used_bytes) == (25, 80, 105)
    assert (porch.shortages, process.shortages) == (1, 0)
    of_yard[1].push(key(0, size=96))
    assert [len(reader) for reader in (*of_porch, *of_yard)] == [0, 2, 0, 1]
    assert process.shortages == 1


def test_a_queue_that_waits_for_random_access_while_it_holds_something_gives_room() -> None:
    """Its owner may say so at any time; asking such a queue for room must come to an end."""
    budget = Budget(100)
    hog, reader = readers(budget)
    hog.push(key(0, size=90))
    hog.needs_random_access = True
    reader.push(key(0, size=20))
    assert (len(hog), hog.dropped, hog.episodes) == (0, 1, 1)
    assert numbers(reader) == [0]


def test_the_longest_queue_gives_room_first_then_the_next() -> None:
    budget = Budget(100)
    short, longer, longest, newcomer = readers(budget, 4)
    for reader, size in ((short, 20), (longer, 30), (longest, 40)):
        reader.push(key(0, size=size))
    newcomer.push(key(0, size=50))
    assert [len(reader) for reader in (short, longer, longest, newcomer)] == [1, 1, 0, 1]
    newcomer.push(Item(1, size=5))
    assert [len(reader) for reader in (short, longer, longest, newcomer)] == [1, 1, 0, 0]
    assert (budget.shortages, budget.used_bytes) == (2, 50)


def test_room_follows_the_rate_of_the_stream() -> None:
    hard = BacklogLimits(500, 64 << 20, 3.0)
    allowance = Allowance(hard)
    assert (allowance.max_items, allowance.max_bytes) == (500, 64 << 20)
    allowance.follow(items_per_s=40.0, bytes_per_s=1e6, group_s=2.0)
    assert (allowance.max_items, allowance.max_bytes) == (240, 12_000_000)
    allowance.follow(items_per_s=40.0, bytes_per_s=1e6, group_s=5.0)
    assert (allowance.max_items, allowance.max_bytes) == (320, 16_000_000)


def test_room_is_never_above_the_hard_bounds_nor_too_little_to_begin_with() -> None:
    hard = BacklogLimits(500, 64 << 20, 3.0)
    allowance = Allowance(hard)
    allowance.follow(items_per_s=1e4, bytes_per_s=1e9, group_s=1.0)
    assert (allowance.max_items, allowance.max_bytes) == (500, 64 << 20)
    allowance.follow(items_per_s=0.1, bytes_per_s=1.0, group_s=1.0)
    assert (allowance.max_items, allowance.max_bytes) == (LEAST_ITEMS, LEAST_BYTES)
    allowance.limit(BacklogLimits(10, 2 << 20, 1.0))
    assert (allowance.max_items, allowance.max_delay_s) == (10, 1.0)


def test_a_queue_follows_bounds_that_change_under_it() -> None:
    allowance = Allowance(BacklogLimits(100, 10_000, 1e9))
    backlog: Backlog[Item] = Backlog(allowance, Budget())
    for number in range(60):
        backlog.push(Item(number, is_random_access=number == 0))
    allowance.limit(BacklogLimits(60, 10_000, 1e9))
    backlog.push(Item(60))
    assert (len(backlog), backlog.dropped) == (0, 61)


def test_too_far_behind_moves_to_the_newest_random_access() -> None:
    backlog = make(max_delay_s=3.0)
    for number in range(8):
        item = Item(number, media_s=number * 0.5, is_random_access=number % 3 == 0)
        backlog.push(item)
    assert numbers(backlog) == [6, 7]
    assert (backlog.dropped, backlog.episodes) == (6, 1)


def test_too_far_behind_without_a_later_random_access_keeps_the_group() -> None:
    backlog = make(max_delay_s=1.0)
    for number in range(5):
        backlog.push(Item(number, media_s=float(number), is_random_access=number == 0))
    assert numbers(backlog) == [0, 1, 2, 3, 4]


def test_sound_is_no_entry_when_a_reader_falls_behind() -> None:
    backlog = make(max_delay_s=1.0)
    backlog.push(key(0))
    backlog.push(sound(1))
    backlog.push(Item(2, media_s=2.0))
    assert numbers(backlog) == [0, 1, 2]


def test_admits_lets_nothing_past_an_empty_queue_before_random_access() -> None:
    backlog = make()
    backlog.needs_random_access = True
    assert not backlog.admits(Item(0))
    assert not backlog.admits(sound(1))
    assert backlog.admits(key(2))
    assert backlog.admits(Item(3))
    assert backlog.passed_over == 2


def test_what_went_by_before_a_reader_could_begin_is_not_lost() -> None:
    """Else everybody who waits for a key frame would look like a player that is too slow."""
    backlog = make()
    backlog.needs_random_access = True
    backlog.push(Item(0))
    backlog.push(key(1))
    assert (backlog.passed_over, backlog.dropped, backlog.episodes) == (1, 0, 0)
    backlog.await_random_access()
    backlog.push(Item(2))
    assert (backlog.passed_over, backlog.dropped, backlog.episodes) == (1, 2, 1)


def test_discarding_a_track_is_no_loss_and_frees_its_bytes() -> None:
    budget = Budget()
    backlog: Backlog[Item] = Backlog(BacklogLimits(), budget)
    for item in (key(0), sound(1), Item(2)):
        backlog.push(item)
    assert backlog.discard(lambda item: not item.is_video) == [sound(1)]
    assert (backlog.size, budget.used_bytes, backlog.dropped) == (20, 20, 0)
    assert numbers(backlog) == [0, 2]
    assert budget.used_bytes == 0


def test_clear_tells_how_many_and_empties_the_account() -> None:
    budget = Budget()
    backlog: Backlog[Item] = Backlog(BacklogLimits(), budget)
    backlog.push(key(0))
    backlog.push(Item(1))
    assert backlog.clear() == 2
    assert (len(backlog), backlog.size, budget.used_bytes) == (0, 0, 0)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["key", "picture", "picture", "picture", "sound", "pop", "loss", "other"]),
        st.integers(1, 60),
        st.integers(0, 3),
    ),
    max_size=80,
)


@settings(max_examples=200)
@given(STEPS)
def test_what_a_reader_gets_always_decodes_and_bounds_hold(steps: list[Step]) -> None:
    """Every picture follows its predecessor or is a random access point."""
    process = Budget(220)
    limits, budget = (
        BacklogLimits(max_items=8, max_bytes=150, max_delay_s=6.0),
        Budget(200, process),
    )
    backlog: Backlog[Item] = Backlog(limits, budget)
    other: Backlog[Item] = Backlog(limits, budget)
    backlog.needs_random_access = True
    pictures, offered, got = 0, 0, deque[Item]()
    for step, size, pause in steps:
        match step:
            case "pop":
                if len(backlog):
                    got.append(backlog.pop())
                continue
            case "loss":
                backlog.await_random_access()
                continue
            case "other":
                other.push(key(0, size=size))
                continue
            case "sound":
                item = Item(-1, size=size, is_random_access=True, is_video=False)
            case _:
                pictures += 1
                item = Item(pictures, 0, size, pictures + pause, is_random_access=step == "key")
        offered += 1
        backlog.push(item)
        assert len(backlog) <= limits.max_items
        assert backlog.size <= limits.max_bytes
        assert budget.used_bytes == backlog.size + other.size <= budget.max_bytes
        assert process.used_bytes == budget.used_bytes
    assert offered == len(got) + len(backlog) + backlog.dropped + backlog.passed_over
    got.extend(backlog.pop() for _ in range(len(backlog)))
    video = [item for item in got if item.is_video]
    assert not video or video[0].is_random_access
    assert not video or got[0] is video[0]
    for before, item in itertools.pairwise(video):
        assert item.is_random_access or item.number == before.number + 1
    other.clear()
    assert (backlog.size, budget.used_bytes) == (0, 0)
