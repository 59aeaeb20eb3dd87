"""PCM payloads: equal lengths, at most 40 ms, whole samples."""

import pytest

from neolink.errors import Unsupported
from neolink.media.g711 import encode_pcma
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.packetizers import pcm

TRACK = AudioTrack(AudioCodec.L16, 16_000)


def frame(data: bytes) -> AudioFrame:
    return AudioFrame(TRACK, data, 0, len(data) // 2)


def l16(data: bytes, max_payload: int = 1388) -> list[bytes]:
    return [prefix + bytes(body) for prefix, body in pcm.packetize_l16(frame(data), max_payload)]


def test_short_frame_travels_as_it_is() -> None:
    assert l16(b"\x01\x02\x03\x04") == [b"\x01\x02\x03\x04"]


def test_long_frame_is_cut_into_equal_packets_of_at_most_40_ms() -> None:
    data = bytes(range(256)) * 8  # 64 ms
    packets = l16(data)
    assert [len(packet) for packet in packets] == [1024, 1024]
    assert b"".join(packets) == data


def test_max_payload_bounds_the_packet() -> None:
    assert [len(packet) for packet in l16(bytes(200), 70)] == [68, 68, 64]


def test_half_a_sample_is_dropped() -> None:
    assert l16(b"\x01\x02\x03") == [b"\x01\x02"]
    assert l16(b"\x01") == []


def every_other_byte(data: bytes | memoryview) -> bytes:
    return bytes(data[::2])


def test_encoded_samples_are_cut_by_their_own_rate() -> None:
    payloads = pcm.packetize_g711(frame(bytes(1000)), encode=every_other_byte)
    assert [len(body) for _, body in payloads] == [250, 250]


def resampled(frames: list[AudioFrame], packetizer: pcm.ResampledG711) -> list[bytes]:
    return [
        b"".join(prefix + bytes(body) for prefix, body in packetizer.packetize(unit, 1388))
        for unit in frames
    ]


def loud(seed: int) -> AudioFrame:
    return frame(bytes((sample * seed) % 251 for sample in range(2020)))


def test_resampled_frames_join_without_a_seam() -> None:
    frames = [loud(3), loud(5)]
    joined = frame(b"".join(bytes(unit.data) for unit in frames))
    apart = resampled(frames, pcm.ResampledG711(encode_pcma, 16_000))
    together = resampled([joined], pcm.ResampledG711(encode_pcma, 16_000))
    assert [len(encoded) for encoded in apart] == [505, 505]
    assert b"".join(apart) == together[0]


def test_replay_gives_the_same_payloads_and_leaves_the_filter_alone() -> None:
    first, second, third = loud(3), loud(5), loud(7)
    packetizer = pcm.ResampledG711(encode_pcma, 16_000)
    live = packetizer.packetize(first, 1388), packetizer.packetize(second, 1388)
    assert packetizer.repacketize(first, 1388) == live[0]
    assert packetizer.repacketize(second, 1388) == live[1]
    undisturbed = resampled([first, second, third], pcm.ResampledG711(encode_pcma, 16_000))
    assert resampled([third], packetizer) == undisturbed[2:]


def test_replay_of_a_frame_long_gone_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcm, "_MAX_RECENT", 1)
    first, second = loud(3), loud(5)
    packetizer = pcm.ResampledG711(encode_pcma, 16_000)
    live = packetizer.packetize(first, 1388)
    packetizer.packetize(second, 1388)
    assert packetizer.repacketize(first, 1388) == live  # the filter was as empty then
    assert packetizer.repacketize(second, 1388) != live


def test_rate_beyond_the_filter_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        pcm.ResampledG711(encode_pcma, 44_100)
