"""Values that the program this one replaces was tested for, held by the code that replaces it."""

from collections.abc import Callable, Sequence

import pytest

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket, BcMediaReader
from neolink.baichuan.bcmedia_packets import serialize
from neolink.baichuan.xml.streams import EncodeTable, resolve_index_first, resolve_table
from neolink.hub.splash import PLAIN_PATTERN, SplashReason, splash_unit
from neolink.hub.standin import StandIn, StandInSettings
from neolink.pool import BufferPool, buffer_size

FRAME_RATES = (15, 20, 25, 30)
BIT_RATES = (1_000_000, 2_000_000, 3_000_000)
BLOCK = 512


def test_a_buffer_pool_of_1024_bytes_is_active() -> None:
    pool = BufferPool()
    lease = pool.acquire(1024)
    assert lease is not None
    assert len(lease.view) == pool.leased_bytes == 1024
    lease.view[:] = bytes(1024)


def test_buffer_pools_of_various_sizes_are_active() -> None:
    pool = BufferPool()
    sizes = (512, 1024, 4096, 8192, 16384)
    leases = [pool.acquire(size) for size in sizes]
    assert [len(lease.view) for lease in leases if lease] == list(sizes)
    assert pool.class_count == len(sizes)


@pytest.mark.parametrize(
    ("bitrate_bps", "size"),
    [(0, 4096), (1000, 4096), (1_000_000, 250_000), (5_000_000, 1_250_000)],
)
def test_a_buffer_is_as_large_as_two_seconds_at_the_bit_rate(bitrate_bps: int, size: int) -> None:
    assert buffer_size(bitrate_bps) == size


def test_audio_variants_are_distinct_and_keep_their_block_size() -> None:
    data = bytes(range(256)) * (BLOCK // 256)
    reader = BcMediaReader()
    packets = reader.feed(serialize(AacPacket(data)) + serialize(AdpcmPacket(data)))
    assert packets == [AacPacket(data), AdpcmPacket(data)]
    aac, adpcm = packets
    assert aac != adpcm
    assert isinstance(adpcm, AdpcmPacket)
    assert len(adpcm.data) == BLOCK


@pytest.mark.parametrize("resolve", [resolve_index_first, resolve_table])
@pytest.mark.parametrize(("number", "frame_rate"), [(2, 25), (10, 10)])
def test_a_frame_rate_is_an_index_or_literal(
    resolve: Callable[[int, Sequence[int]], int], number: int, frame_rate: int
) -> None:
    assert resolve(number, FRAME_RATES) == frame_rate
    table = EncodeTable(default_framerate=number, framerate_table=FRAME_RATES)
    assert table.frame_rate == frame_rate


@pytest.mark.parametrize("resolve", [resolve_index_first, resolve_table])
@pytest.mark.parametrize(("number", "bit_rate"), [(1, 2_000_000), (10, 10)])
def test_a_bit_rate_is_an_index_or_literal(
    resolve: Callable[[int, Sequence[int]], int], number: int, bit_rate: int
) -> None:
    assert resolve(number, BIT_RATES) == bit_rate
    table = EncodeTable(default_bitrate=number, bitrate_table=BIT_RATES)
    assert table.bit_rate == bit_rate


@pytest.mark.parametrize(("is_enabled", "pattern"), [(False, "smpte"), (True, "snow")])
def test_a_placeholder_can_be_made_with_and_without_splash(is_enabled: bool, pattern: str) -> None:
    stand_in = StandIn(StandInSettings(is_enabled=is_enabled, pattern=pattern))
    picture = stand_in.picture(9000, SplashReason.UNREACHABLE)
    assert picture.is_random_access
    assert picture.pts == 9000
    assert picture.track == stand_in.presentation.video
    plain = splash_unit(PLAIN_PATTERN, SplashReason.UNREACHABLE, 9000)
    assert picture.nal_units != plain.nal_units
