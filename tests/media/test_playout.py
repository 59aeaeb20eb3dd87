from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.media.playout import Playout

RATE = 1000
"""A sample is a millisecond: easy to count."""


def _sound(samples: int, mark: bytes = b"\x01\x02") -> bytes:
    return mark * samples


def test_nothing_is_heard_until_enough_waits() -> None:
    playout = Playout(RATE, target_s=0.1)
    playout.put(_sound(99))
    assert playout.take(50) == bytes(100)
    assert playout.delay_s == 0.099
    playout.put(_sound(1))
    assert playout.take(50) == _sound(50)
    assert playout.dry_runs == 0


def test_what_lacks_is_silence_and_then_it_waits_for_enough_again() -> None:
    playout = Playout(RATE, target_s=0.1)
    playout.put(_sound(110))
    playout.take(100)
    assert playout.take(20) == _sound(10) + bytes(20)
    assert playout.dry_runs == 1
    playout.put(_sound(99))
    assert playout.take(20) == bytes(40)
    playout.put(_sound(1))
    assert playout.take(20) == _sound(20)


def test_a_delay_that_grows_is_cut_back_to_what_is_wanted_and_the_newest_is_kept() -> None:
    playout = Playout(RATE, target_s=0.1, max_s=0.5)
    playout.put(_sound(490))
    playout.put(_sound(11, b"\x07\x07"))
    assert playout.delay_s == 0.1
    assert playout.dropped_samples == 401
    assert playout.take(100) == _sound(89) + _sound(11, b"\x07\x07")


def test_a_piece_longer_than_all_that_may_wait_keeps_its_end() -> None:
    playout = Playout(RATE, target_s=0.1, max_s=0.5)
    playout.put(_sound(2000) + _sound(100, b"\x07\x07"))
    assert playout.take(100) == _sound(100, b"\x07\x07")


def test_what_was_said_last_is_given_after_the_end() -> None:
    playout = Playout(RATE, target_s=0.1)
    playout.put(_sound(30))
    playout.finish()
    assert playout.take(20) == _sound(20)
    assert playout.take(20) == _sound(10) + bytes(20)
    assert playout.is_empty
    assert playout.dry_runs == 0, "an end is no lack"


def test_sound_after_the_end_is_a_new_beginning() -> None:
    playout = Playout(RATE, target_s=0.1)
    playout.put(_sound(30))
    playout.finish()
    playout.take(40)
    playout.put(_sound(50))
    assert playout.take(20) == bytes(40)


def test_what_is_forgotten_is_not_heard() -> None:
    playout = Playout(RATE)
    playout.put(_sound(400))
    playout.clear()
    assert playout.is_empty
    assert playout.take(10) == bytes(20)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 700)), max_size=60),
)
@settings(max_examples=100)
def test_it_never_holds_more_than_it_may_and_gives_exactly_what_is_asked_for(
    steps: list[tuple[bool, int]],
) -> None:
    playout, put, taken = Playout(RATE, target_s=0.1, max_s=0.5), 0, 0
    for is_put, samples in steps:
        if is_put:
            playout.put(_sound(samples))
            put += samples
        else:
            pcm = playout.take(samples)
            assert len(pcm) == 2 * samples
            taken += pcm.count(b"\x01\x02")
        assert playout.delay_s <= 0.5
    assert put == taken + playout.dropped_samples + round(playout.delay_s * RATE)
