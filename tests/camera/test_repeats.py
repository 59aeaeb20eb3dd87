"""Sound that is sent twice, and silence, which is not."""

from itertools import chain

from neolink.camera.repeats import Repeats


def kept(packets: list[bytes]) -> list[bytes]:
    repeats = Repeats()
    return [packet for packet in packets if not repeats.is_one(packet)]


def sound(count: int) -> list[bytes]:
    return [bytes([n % 250 + 1]) * 20 for n in range(count)]


def doubled(packets: list[bytes]) -> list[bytes]:
    return list(chain.from_iterable((packet, packet) for packet in packets))


def test_sound_as_it_is_loses_nothing() -> None:
    assert kept(sound(100)) == sound(100)


def test_of_packets_that_come_twice_one_stays_but_for_the_first_two() -> None:
    packets = sound(50)
    assert kept(doubled(packets)) == doubled(packets[:2]) + packets[2:]


def test_silence_is_no_repetition_however_long() -> None:
    silence = [bytes(20)] * 500
    assert kept(silence) == silence
    mixed = sound(3) + silence[:2] + sound(3) + silence[:5] + sound(1) + silence[:2] + sound(5)
    assert kept(mixed) == mixed


def test_it_ends_with_the_repetition() -> None:
    packets = doubled(sound(10)) + sound(20)[10:]
    assert kept(packets)[-10:] == sound(20)[10:]
