"""The cached group of pictures: whole or not there."""

from hypothesis import given
from hypothesis import strategies as st

from neolink.hub.gop import GopCache
from neolink.media.units import AccessUnit
from support.media import video_unit


def make(**bounds: int) -> GopCache[AccessUnit]:
    return GopCache(**bounds)


def test_nothing_is_kept_before_the_first_random_access() -> None:
    cache = make()
    cache.push(video_unit(0))
    assert cache.items == []
    assert cache.size == 0


def test_a_random_access_point_starts_a_new_group() -> None:
    cache = make()
    units = [video_unit(pts * 3600, key=pts % 3 == 0) for pts in range(5)]
    for unit in units:
        cache.push(unit)
    assert cache.items == units[3:]
    assert cache.size == sum(unit.size for unit in units[3:])


def test_a_group_given_away_does_not_change_when_the_next_begins() -> None:
    cache = make()
    first = video_unit(0, key=True)
    cache.push(first)
    given_away = cache.items
    cache.push(video_unit(3600, key=True))
    assert given_away == [first]


def test_too_many_bytes_forget_the_whole_group_until_the_next() -> None:
    cache = make(max_bytes=2500)
    for pts in range(4):
        cache.push(video_unit(pts, key=pts == 0))
    assert cache.items == []
    assert cache.overflows == 1
    again = video_unit(9, key=True)
    cache.push(again)
    assert cache.items == [again]


def test_too_long_a_group_is_forgotten() -> None:
    cache = make(max_duration_s=2)
    cache.push(video_unit(0, key=True))
    cache.push(video_unit(2 * 90_000))
    assert len(cache.items) == 2
    cache.push(video_unit(2 * 90_000 + 1))
    assert cache.items == []
    assert cache.overflows == 1


def test_a_single_picture_beyond_the_bound_is_not_kept() -> None:
    cache = make(max_bytes=100)
    cache.push(video_unit(0, key=True, size=101))
    assert cache.items == []
    assert cache.overflows == 1


def test_clear_forgets_and_waits() -> None:
    cache = make()
    cache.push(video_unit(0, key=True))
    cache.clear()
    cache.push(video_unit(3600))
    assert (cache.items, cache.size) == ([], 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(2, 400)), max_size=60))
def test_the_cache_is_always_a_whole_group_within_its_bound(units: list[tuple[bool, int]]) -> None:
    cache = make(max_bytes=1000)
    pushed: list[AccessUnit] = []
    for number, (is_key, size) in enumerate(units):
        pushed.append(video_unit(number * 3600, key=is_key, size=size))
        cache.push(pushed[-1])
        items = cache.items
        assert cache.size == sum(item.size for item in items) <= 1000
        if items:
            assert items[0].is_random_access
            assert items == pushed[-len(items) :]
            assert not any(item.is_random_access for item in items[1:])
