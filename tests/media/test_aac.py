import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError, RemoteProtocolError
from neolink.media.aac import AdtsFrame, AudioSpecificConfig, parse_adts
from neolink.media.tracks import AudioCodec, AudioTrack

LC_16K_MONO = AudioSpecificConfig(object_type=2, sample_rate=16000, channels=1)

configs = st.builds(
    AudioSpecificConfig,
    st.integers(1, 4),
    st.sampled_from([96000, 48000, 44100, 16000, 8000, 7350]),
    st.sampled_from([1, 2, 6, 8]),
)


def _adts(
    data: bytes,
    profile: int = 1,
    frequency: int = 8,
    channels: int = 1,
    checksum: bytes = b"",
    blocks: int = 0,
) -> bytes:
    length = 7 + len(checksum) + len(data)
    bits = 0xFFF << 44 | (not checksum) << 40 | profile << 38 | frequency << 34 | channels << 30
    return (bits | length << 13 | 0x7FF << 2 | blocks).to_bytes(7) + checksum + data


def test_captured_frames_are_16_khz_mono_lc(captured_adts: list[bytes]) -> None:
    for packet, length in zip(captured_adts, (209, 227), strict=True):
        (frame,) = parse_adts(packet)
        assert len(packet) == length
        assert frame == AdtsFrame(LC_16K_MONO, packet[7:], 1024)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LC_16K_MONO, "1408"),
        (AudioSpecificConfig(2, 8000, 1), "1588"),
        (AudioSpecificConfig(2, 48000, 2), "1190"),
    ],
)
def test_config_has_the_documented_form(config: AudioSpecificConfig, expected: str) -> None:
    assert config.serialize().hex() == expected


@given(configs)
@settings(max_examples=50)
def test_config_survives_serialization(config: AudioSpecificConfig) -> None:
    assert AudioSpecificConfig.parse(config.serialize() + b"\x56\xe5") == config


@pytest.mark.parametrize("data", ["", "14", "1688", "1400", "1448", "0408", "f808"])
def test_a_config_outside_the_tables_is_refused(data: str) -> None:
    with pytest.raises(RemoteProtocolError):
        AudioSpecificConfig.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    "config",
    [
        AudioSpecificConfig(2, 16001, 1),
        AudioSpecificConfig(2, 16000, 7),
        AudioSpecificConfig(2, 16000, 0),
        AudioSpecificConfig(31, 16000, 1),
    ],
)
def test_a_config_that_two_bytes_can_not_hold_is_our_error(config: AudioSpecificConfig) -> None:
    with pytest.raises(LocalProtocolError):
        config.serialize()


def test_config_describes_its_track() -> None:
    assert LC_16K_MONO.track == AudioTrack(AudioCodec.AAC, 16000, 1, b"\x14\x08")


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=50), st.booleans()), min_size=1, max_size=5)
)
@settings(max_examples=50)
def test_several_frames_in_a_packet_are_read(parts: list[tuple[bytes, bool]]) -> None:
    packet = b"".join(_adts(data, checksum=b"CC" if has else b"") for data, has in parts)
    assert [frame.data for frame in parse_adts(memoryview(packet))] == [data for data, _ in parts]


def test_frames_own_their_bytes() -> None:
    buffer = bytearray(_adts(b"sound"))
    (frame,) = parse_adts(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    assert frame.data == b"sound"


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (b"", "got nothing"),
        (b"\xff\xf1\x60", "of 3 bytes"),
        (b"\x00" * 20, "expected an ADTS header"),
        (b"\xff\xf3" + _adts(b"x")[2:], "expected an ADTS header"),  # layer is not 0
        (_adts(b""), "expected an ADTS frame of 8"),
        (_adts(b"", checksum=b"CC"), "expected an ADTS frame of 10"),
        (_adts(b"sound")[:-1], "got 12"),
        (_adts(b"sound") + b"\x00", "at byte 12"),
        (_adts(b"sound", frequency=13), "frequency index"),
        (_adts(b"sound", channels=0), "channel layout"),
        (_adts(b"sound", blocks=1), "got 2"),
    ],
)
def test_malformed_packets_are_refused(packet: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        parse_adts(packet)
    assert message in str(refusal.value)


@given(st.binary(max_size=60), st.booleans())
@settings(max_examples=200)
def test_garbage_raises_only_the_declared_error(data: bytes, is_headed: bool) -> None:
    try:
        frames = parse_adts((b"\xff\xf1\x60\x40" if is_headed else b"") + data)
    except RemoteProtocolError:
        return
    assert all(frame.data for frame in frames)
