"""The simulated loudspeaker: opened, heard, ended; and what it does not forgive."""

from collections.abc import Callable

import pytest

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket, serialize
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.talk import TalkAbility, TalkConfig
from neolink.errors import ConfigError
from neolink.media.adpcm import AdpcmEncoder
from neolink.simulator.faults import make_fault
from neolink.simulator.loudspeaker import Loudspeaker, TalkProfile
from neolink.simulator.tone import tone_pcm
from support.camera_link import Bench, Link

PROFILE = TalkProfile(block_samples=64)
CHANNEL = Extension(channel_id=0)
BINARY = Extension(binary_data=True, channel_id=0)


def _speaker(link: Link) -> Loudspeaker:
    (speaker,) = link.device.loudspeakers
    return speaker


def _logged_in(bench: Bench, talk: TalkProfile | None = PROFILE, **changes: object) -> Link:
    link = bench.link(bench.device(talk=talk, **changes))
    link.log_in()
    return link


def _ability(link: Link) -> TalkAbility:
    reply = link.ask(MessageId.TALK_ABILITY, extension=CHANNEL)
    ability = parse_body(reply.body).get(TalkAbility)
    assert ability is not None
    return ability


def _config(link: Link) -> TalkConfig:
    ability = _ability(link)
    assert ability.duplex_list is not None
    assert ability.audio_stream_mode_list is not None
    assert ability.audio_config_list is not None
    (config,) = ability.audio_config_list.configs
    return TalkConfig(
        0,
        ability.duplex_list.duplex[0],
        ability.audio_stream_mode_list.audio_stream_mode[0],
        config.__class__(None, *(getattr(config, name) for name in list(config.__slots__)[1:])),
    )


def _open(link: Link) -> int:
    body = serialize_body(_config(link))
    return link.ask(MessageId.TALK_CONFIG, body, CHANNEL).status


def _say(
    link: Link, *messages: bytes, extension: Extension = BINARY, number: int | None = None
) -> None:
    number = link.client.reserve(MessageId.TALK_DATA) if number is None else number
    for message in messages:
        link.client.send_binary(MessageId.TALK_DATA, number, message, extension)
    link.exchange()


def _blocks(count: int, *, is_high_first: bool = True) -> list[bytes]:
    encoder = AdpcmEncoder(64, high_nibble_first=is_high_first)
    pcm = tone_pcm(16_000, 64)
    return [serialize(AdpcmPacket(encoder.encode(pcm))) for _ in range(count)]


@pytest.mark.parametrize("level", list(Encryption))
async def test_what_is_said_is_heard_whatever_the_encryption(
    bench: Bench, level: Encryption
) -> None:
    link = _logged_in(bench, encryption=level)
    assert _open(link) == Status.OK
    _say(link, *_blocks(5))
    assert link.ask(MessageId.TALK_RESET, extension=CHANNEL).status == Status.OK
    speaker = _speaker(link)
    assert (speaker.talks, speaker.blocks, speaker.resets) == (1, 5, 1)
    assert len(speaker.pcm) == 2 * 64 * 5
    assert not speaker.is_open
    assert not speaker.complaints


async def test_a_camera_without_a_loudspeaker_refuses_everything(bench: Bench) -> None:
    link = _logged_in(bench, talk=None)
    for message_id in (MessageId.TALK_ABILITY, MessageId.TALK_CONFIG, MessageId.TALK_RESET):
        assert link.ask(message_id, extension=CHANNEL).status == Status.NOT_ALLOWED


@pytest.mark.parametrize("first_nibble", ["high", "low"])
async def test_the_other_nibble_first_is_noticed(bench: Bench, first_nibble: str) -> None:
    talk = TalkProfile(block_samples=64, first_nibble=first_nibble)  # type: ignore[arg-type]  # a parameter
    right, wrong = _logged_in(bench, talk), _logged_in(bench, talk)
    is_high = first_nibble == "high"
    for link, is_right in ((right, True), (wrong, False)):
        _open(link)
        _say(link, *_blocks(4, is_high_first=is_high is is_right))
    assert not _speaker(right).complaints
    assert "nibble order" in _speaker(wrong).complaints[0]


def _cut(block: bytes) -> bytes:
    return block[:-1]


def _other_size(block: bytes) -> bytes:
    del block
    return serialize(AdpcmPacket(bytes(40)))


def _other_kind(block: bytes) -> bytes:
    del block
    return serialize(AacPacket(bytes(36)))


def _garbage(block: bytes) -> bytes:
    return bytes(len(block))


@pytest.mark.parametrize("spoil", [_cut, _other_size, _other_kind, _garbage])
async def test_bytes_that_are_no_block_are_noticed(
    bench: Bench, spoil: Callable[[bytes], bytes]
) -> None:
    link = _logged_in(bench)
    _open(link)
    _say(link, spoil(_blocks(1)[0]))
    assert _speaker(link).blocks == 0
    assert _speaker(link).complaints


async def test_sound_without_a_talk_or_a_channel_or_under_many_numbers_is_noticed(
    bench: Bench,
) -> None:
    link = _logged_in(bench)
    blocks = _blocks(4)
    _say(link, blocks[0])
    _open(link)
    _say(link, blocks[0], extension=Extension(binary_data=True), number=900)
    _say(link, blocks[1], number=901)
    assert [text.split(" ")[1] for text in _speaker(link).complaints] == [
        "without",
        "with",
        "under",
    ]


async def test_a_second_talk_is_busy_until_the_first_has_ended_or_gone(bench: Bench) -> None:
    first = _logged_in(bench)
    second = bench.link(first.device)
    second.log_in()
    assert _open(first) == Status.OK
    assert _open(second) == Status.BUSY
    first.lose()
    assert _open(second) == Status.OK
    third = bench.link(first.device)
    third.log_in()
    third.ask(MessageId.TALK_RESET, extension=CHANNEL)
    assert _open(third) == Status.OK


async def test_a_talk_of_another_form_is_refused(bench: Bench) -> None:
    link = _logged_in(bench)
    body = serialize_body(TalkConfig(0, "HDX", "mixAudioStream", _config(link).audio_config))
    assert link.ask(MessageId.TALK_CONFIG, body, CHANNEL).status == Status.BAD_REQUEST
    assert link.ask(MessageId.TALK_CONFIG, b"", CHANNEL).status == Status.BAD_REQUEST


async def test_the_buffer_overruns_and_runs_dry(bench: Bench) -> None:
    link = _logged_in(bench, TalkProfile(block_samples=64, buffer_s=0.01))  # blocks of 4 ms
    _open(link)
    blocks = _blocks(4)
    number = link.client.reserve(MessageId.TALK_DATA)
    _say(link, *blocks[:3], number=number)
    speaker = _speaker(link)
    assert speaker.overruns == 1, "two blocks fit"
    bench.clock.advance(0.018)
    _say(link, blocks[3], number=number)
    assert speaker.dry_s == pytest.approx(0.010)
    assert speaker.overruns == 1


async def test_a_doorbell_answers_every_message(bench: Bench) -> None:
    link = _logged_in(bench, TalkProfile(block_samples=64, answers_every_message=True))
    _open(link)
    before = len(link.events)
    _say(link, *_blocks(3))
    assert len(link.events) - before == 3


async def test_a_busy_loudspeaker_is_free_once_it_was_hung_up_on(bench: Bench) -> None:
    link = _logged_in(bench)
    link.device.begin(make_fault("talk_busy"))
    assert _open(link) == _open(link) == Status.BUSY
    link.ask(MessageId.TALK_RESET, extension=CHANNEL)
    assert _open(link) == Status.OK


def test_an_odd_block_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="even"):
        TalkProfile(block_samples=7)
