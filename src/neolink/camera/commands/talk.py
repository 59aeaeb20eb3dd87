"""Two-way audio: what a camera's loudspeaker takes, and one talk to it (protocol reference, 7).

What is said and when, is in ``speaker``. Nothing is encoded here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from neolink.baichuan.bcmedia import AdpcmPacket, serialize
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml.talk import AudioConfig, TalkAbility, TalkConfig
from neolink.camera.session import CameraSession, Upload
from neolink.errors import CommandRefused, Unsupported

__all__ = ["TalkFormat", "TalkLine", "open_talk", "read_talk_format"]

TAKE_OVER_PAUSE_S = 0.5
"""Between the end of a talk that is not ours, and ours."""

MAX_UNSENT = 4096
"""Bytes that may wait for the network, half a second of sound; what is said meanwhile is lost."""

_ADPCM = "adpcm"
_MONO = "mono"
_BITS = 16
_SHORTEST_BLOCK_S = 0.01
"""Each is a message: shorter ones would be hundreds a second. Known cameras take 64 ms and more."""

_LONGEST_BLOCK_S = 0.4
"""A longer one would be more than half a second ahead of what is played."""


@dataclass(frozen=True, slots=True)
class TalkFormat:
    """What a loudspeaker takes: blocks of ADPCM. ``config`` is what opens a talk, but the channel.

    ``block_samples`` is even; ``sample_rate`` is in Hz.
    """

    sample_rate: int
    block_samples: int
    config: TalkConfig

    @property
    def block_s(self) -> float:
        """How long a block sounds."""
        return self.block_samples / self.sample_rate


async def read_talk_format(session: CameraSession, channel_id: int) -> TalkFormat:
    """Ask a camera what its loudspeaker takes.

    Raises Unsupported for a camera without one, or one that takes nothing we can make;
    ConnectionLost, RemoteProtocolError.
    """
    try:
        body = await session.request(MessageId.TALK_ABILITY, channel_id=channel_id, busy_retries=1)
    except CommandRefused as error:
        raise Unsupported(f"the camera has no loudspeaker ({error})") from None
    ability = body.get(TalkAbility) if body is not None else None
    if ability is None:
        raise Unsupported("the camera has no loudspeaker (it told nothing of one)")
    return _choose(ability)


def _choose(ability: TalkAbility) -> TalkFormat:
    """Take the first of everything on offer, as the vendor's own programs do."""
    configs = ability.audio_config_list.configs if ability.audio_config_list else ()
    if not configs:
        raise Unsupported("the camera has no loudspeaker (it offers no format for one)")
    config = next((one for one in configs if (one.audio_type or "").lower() == _ADPCM), None)
    if config is None:
        offered = ", ".join(one.audio_type or "nothing" for one in configs)
        raise Unsupported(f"the camera's loudspeaker takes {offered}, only ADPCM is made here")
    duplex = ability.duplex_list.duplex if ability.duplex_list else ()
    modes = ability.audio_stream_mode_list
    mode = modes.audio_stream_mode if modes else ()
    wanted = TalkConfig(
        duplex=duplex[0] if duplex else "FDX",
        audio_stream_mode=mode[0] if mode else "followVideoStream",
        audio_config=replace(config, priority=None),
    )
    return TalkFormat(config.sample_rate or 0, _block_samples(config), wanted)


def _block_samples(config: AudioConfig) -> int:
    samples = config.length_per_encoder or 0
    is_mono = (config.sound_track or _MONO).lower() == _MONO
    if not is_mono or config.sample_precision not in {None, _BITS}:
        raise Unsupported("the camera's loudspeaker takes another format than 16 bit mono")
    rate = config.sample_rate or 0
    is_sane = rate > 0 and _SHORTEST_BLOCK_S * rate <= samples <= _LONGEST_BLOCK_S * rate
    if samples % 2 or not is_sane:
        allowed = f"{1000 * _SHORTEST_BLOCK_S:g} to {1000 * _LONGEST_BLOCK_S:g} ms, an even number"
        text = f"the camera's loudspeaker takes blocks of {samples} samples at {rate} Hz"
        raise Unsupported(f"{text}, not of {allowed}")
    return samples


class TalkLine:
    """A talk that is open; blocks go one per message, and no answer is waited for."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def send(self, block: bytes) -> bool:
        """Send one block of ADPCM; False when it was dropped because the network is behind.

        What it could not take would arrive in one heap and overrun the camera's buffer. Raises
        ConnectionLost.
        """
        if self._upload.unsent_bytes > MAX_UNSENT:
            return False
        self._upload.send(serialize(AdpcmPacket(block)))
        return True


@asynccontextmanager
async def open_talk(
    session: CameraSession, channel_id: int, talk_format: TalkFormat
) -> AsyncIterator[TalkLine]:
    """Open a talk; it is ended whatever happens, also one that was asked for without an answer.

    What was sent and is not played yet is lost at the end. Raises CommandRefused when the camera
    does not want to, ConnectionLost, RemoteProtocolError.
    """
    config = replace(talk_format.config, channel_id=channel_id)
    try:
        await _ask(session, channel_id, config)
        with session.upload(MessageId.TALK_DATA, channel_id) as upload:
            yield TalkLine(upload)
    finally:
        await session.tell(MessageId.TALK_RESET, channel_id)


async def _ask(session: CameraSession, channel_id: int, config: TalkConfig) -> None:
    """Open the talk channel; one that is busy is taken over, once.

    It is mostly our own: of a connection that was lost, and that the camera has not given up yet.
    """
    try:
        await session.request(MessageId.TALK_CONFIG, config, channel_id=channel_id)
    except CommandRefused as error:
        if error.status != Status.BUSY:
            raise
        await session.tell(MessageId.TALK_RESET, channel_id)
        await asyncio.sleep(TAKE_OVER_PAUSE_S)
        await session.request(MessageId.TALK_CONFIG, config, channel_id=channel_id)
