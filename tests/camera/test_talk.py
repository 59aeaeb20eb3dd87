"""Talk to a simulated camera: its form, its pace, its end, and what goes wrong with it."""

import asyncio
import gc
import logging
import time
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import Requested
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.talk import AudioConfig, AudioConfigList, TalkAbility
from neolink.camera import speaker as speaker_module
from neolink.camera import supervisor as supervisor_module
from neolink.camera.commands import talk as talk_module
from neolink.camera.speaker import Speaker
from neolink.camera.status import CameraState
from neolink.errors import ConnectionLost, DeadlineExceeded, Unsupported
from neolink.simulator.faults import make_fault
from neolink.simulator.loudspeaker import TalkProfile
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.tone import tone_pcm
from support.camera_bench import PROFILE, Peer, Rig, eventually, rigged, scripted
from support.listening import MOST_DRY_S, assert_tone, measured_lateness

FRAME_S = 0.02


def _profile(**changes: Any) -> CameraProfile:
    return replace(PROFILE, talk=TalkProfile(**changes))


async def _ready(rig: Rig, **changes: Any) -> Speaker:
    speaker = rig.camera.speaker(replace(rig.camera.settings, **changes))
    await rig.until_connected()
    await eventually(lambda: speaker._session is not None)
    await speaker.learn()
    return speaker


async def _speak(speaker: Speaker, seconds: float, rate: int = 8000) -> None:
    """Say a tone of 1 kHz, as evenly as the loop's timer allows."""
    loop = asyncio.get_running_loop()
    pcm = tone_pcm(rate, round(FRAME_S * rate))
    begin_s = loop.time()
    for frame in range(round(seconds / FRAME_S)):
        await asyncio.sleep(max(0.0, begin_s + frame * FRAME_S - loop.time()))
        speaker.say(pcm, rate)


@pytest.mark.parametrize("first_nibble", ["high", "low"])
@pytest.mark.parametrize(("sample_rate", "block_samples"), [(16_000, 1024), (8000, 1016)])
@pytest.mark.parametrize("rate", [8000, 16_000])
async def test_a_tone_is_heard_at_its_pitch_and_pace(
    rate: int, sample_rate: int, block_samples: int, first_nibble: str
) -> None:
    profile = _profile(
        sample_rate=sample_rate, block_samples=block_samples, first_nibble=first_nibble
    )
    async with (
        SimulatedCamera(profile) as camera,
        rigged(camera) as rig,
        measured_lateness() as late,
    ):
        speaker = await _ready(rig, has_high_talk_nibble_first=first_nibble == "high")
        await _speak(speaker, 1.2, rate)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert_tone(heard, 1.2, late_s=late.most_s)
        assert heard.reset_times[0] >= (heard.plays_until_s or 0), "the last block was cut off"
        assert (speaker.talks, speaker.failures, speaker.blocks_dropped) == (1, 0, 0)
        assert not speaker.is_talking


async def test_a_talk_ends_by_itself_after_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_module, "SILENCE_S", 0.4)
    async with (
        SimulatedCamera(_profile()) as camera,
        rigged(camera) as rig,
        measured_lateness() as late,
    ):
        speaker = await _ready(rig)
        await _speak(speaker, 0.3)
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert heard.dry_s < MOST_DRY_S + late.most_s, "silence was sent until the end"
        assert not heard.complaints
        await _speak(speaker, 0.3)
        await eventually(lambda: heard.resets == 2)
        assert heard.talks == 2


async def test_nothing_is_asked_of_the_camera_before_somebody_speaks() -> None:
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        await _ready(rig)
        assert camera.stats.requests[MessageId.TALK_CONFIG] == 0
        assert camera.stats.requests[MessageId.TALK_ABILITY] == 1


async def test_far_too_much_sound_at_once_never_fills_the_cameras_buffer() -> None:
    async with SimulatedCamera(_profile(buffer_s=0.25)) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        speaker.say(tone_pcm(8000, 8000 * 30), 8000)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert heard.overruns == 0
        assert heard.blocks <= 4, "only the newest sound is worth saying"


async def test_a_loop_that_stood_still_sends_no_heap_of_blocks() -> None:
    async with SimulatedCamera(_profile(buffer_s=0.3)) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        await _speak(speaker, 0.5)
        time.sleep(0.6)  # noqa: ASYNC251 - what is tested
        await _speak(speaker, 0.4)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert heard.overruns == 0
        assert heard.dry_s > 0.2, "the camera had nothing to play meanwhile"


async def test_a_doorbell_that_answers_every_message_is_not_waited_for() -> None:
    async with (
        SimulatedCamera(_profile(answers_every_message=True)) as camera,
        rigged(camera) as rig,
        measured_lateness() as late,
    ):
        speaker = await _ready(rig)
        await _speak(speaker, 0.8)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert heard.dry_s < MOST_DRY_S + late.most_s
        assert not any(rig.camera.status.errors.values())


async def test_a_loudspeaker_that_is_busy_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_module, "TAKE_OVER_PAUSE_S", 0.05)
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        camera.begin(make_fault("talk_busy"))
        await _speak(speaker, 0.4)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets == 1)  # the first was the fault's
        assert heard.blocks > 2
        assert camera.stats.requests[MessageId.TALK_CONFIG] == 2


async def test_one_that_stays_busy_is_told_and_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(talk_module, "TAKE_OVER_PAUSE_S", 0.05)
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        camera.begin(make_fault("talk_busy", resets=0))
        with caplog.at_level(logging.WARNING):
            await _speak(speaker, 0.4)
            await eventually(lambda: speaker.failures == 1)
        assert "TALK_CONFIG: the camera answered 422" in caplog.text
        assert "not heard" in caplog.text
        assert not speaker.say(tone_pcm(8000, 160), 8000)
        assert camera.stats.requests[MessageId.TALK_CONFIG] == 2, "asked anew for every packet"
        await rig.main.until_pictures(3)


async def test_a_lost_camera_ends_the_talk_and_the_next_login_can_talk_again() -> None:
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        await _speak(speaker, 0.4)
        camera.cut()
        await eventually(lambda: not speaker.is_talking)
        assert not speaker.say(tone_pcm(8000, 160), 8000)
        await eventually(lambda: speaker._session is not None)
        await _speak(speaker, 0.4)
        speaker.finish()
        heard = camera.loudspeaker()
        await eventually(lambda: heard.resets > 0)
        assert heard.talks == 2
        assert not heard.complaints


async def test_the_end_of_the_program_ends_the_talk() -> None:
    async with SimulatedCamera(_profile()) as camera:
        async with rigged(camera) as rig:
            speaker = await _ready(rig)
            await _speak(speaker, 0.4)
        assert camera.loudspeaker().resets == 1


# ---------------------------------------------------------------- what the camera can
async def test_a_camera_without_a_loudspeaker_is_told_from_one_with_it() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera) as rig:
        with pytest.raises(
            Unsupported, match=r"no loudspeaker \(TALK_ABILITY: the camera answered 405"
        ):
            await _ready(rig)
        speaker = rig.camera.speaker(rig.camera.settings)
        with pytest.raises(Unsupported):
            await speaker.learn()
        assert camera.stats.requests[MessageId.TALK_ABILITY] == 1, "it was told before"
        assert not speaker.say(tone_pcm(8000, 160), 8000)


async def test_nothing_is_kept_of_who_was_told_that_there_is_no_loudspeaker() -> None:
    """A kept error would keep who asked, each with its stream and pictures, as long as it lives."""

    class Asker:
        pass

    async def ask(speaker: Speaker) -> weakref.ref[Asker]:
        asker = Asker()
        with suppress(Unsupported):
            await speaker.learn()
        return weakref.ref(asker)

    async with SimulatedCamera(PROFILE) as camera, rigged(camera) as rig:
        with pytest.raises(Unsupported):
            await _ready(rig)
        askers = [await ask(rig.camera.speaker(rig.camera.settings)) for _ in range(3)]
        gc.collect()
        assert not any(asker() for asker in askers)


async def test_what_is_known_is_not_forgotten_with_the_login() -> None:
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        camera.begin(make_fault("refuse"))
        camera.cut()
        await eventually(lambda: speaker._session is None)
        await speaker.learn()


async def test_who_asked_a_camera_that_was_asleep_is_told_after_it_was_awake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "IDLE_CHECK_S", 0.01)
    async with (
        SimulatedCamera(_profile()) as camera,
        rigged(camera, wanted=False, idle_disconnect=True, idle_grace_s=0.1) as rig,
    ):
        speaker = rig.camera.speaker(rig.camera.settings)
        await rig.until_state(CameraState.IDLE)
        with pytest.raises(ConnectionLost, match="does not wake it"):
            await speaker.learn()
        assert camera.stats.connections == 0
        rig.stream.request(True)
        await rig.until_connected()
        await eventually(lambda: camera.stats.requests[MessageId.TALK_ABILITY] == 1)
        rig.stream.request(False)
        await rig.until_state(CameraState.IDLE)
        await speaker.learn()


async def test_a_camera_that_was_never_there_is_not_known() -> None:
    async with rigged(1) as rig:
        speaker = rig.camera.speaker(rig.camera.settings)
        await rig.until_state(CameraState.WAITING)
        with pytest.raises(ConnectionLost, match="not connected"):
            await speaker.learn()


def _offer(**changes: Any) -> TalkAbility:
    base: dict[str, Any] = {
        "audio_type": "adpcm",
        "sample_rate": 16_000,
        "sample_precision": 16,
        "length_per_encoder": 1024,
        "sound_track": "mono",
    }
    return TalkAbility(audio_config_list=AudioConfigList((AudioConfig(**{**base, **changes}),)))


@pytest.mark.parametrize(
    ("ability", "why"),
    [
        (TalkAbility(), "no format"),
        (_offer(audio_type="aac"), "takes aac, only ADPCM"),
        (_offer(audio_type=None), "takes nothing, only ADPCM"),
        (_offer(sound_track="stereo"), "16 bit mono"),
        (_offer(sample_precision=8), "16 bit mono"),
        (_offer(length_per_encoder=1023), "blocks of 1023 samples"),
        (_offer(length_per_encoder=None), "blocks of 0 samples"),
        (_offer(length_per_encoder=2), "blocks of 2 samples at 16000 Hz, not of 10 to 400 ms"),
        (_offer(length_per_encoder=158), "blocks of 158 samples"),
        (_offer(length_per_encoder=1 << 30), "blocks of 1073741824"),
        (_offer(sample_rate=44_100), "44100"),
        (_offer(sample_rate=None), "0 Hz"),
    ],
)
async def test_a_loudspeaker_that_cannot_be_served_is_refused_with_the_reason(
    ability: TalkAbility, why: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.admit()
        while True:
            request = await peer.request()
            is_asked = request.message_id == MessageId.TALK_ABILITY
            peer.protocol.reply(request.header, body=serialize_body(ability) if is_asked else b"")
            peer.send()

    async with scripted(script) as port, rigged(port, wanted=False) as rig:
        with pytest.raises(Unsupported, match=why):
            await _ready(rig)


async def test_a_camera_that_does_not_answer_is_waited_for_with_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaker_module, "LEARN_TIMEOUT_S", 0.2)

    asked = 0

    def count(request: Requested) -> None:
        nonlocal asked
        asked += request.message_id == MessageId.TALK_ABILITY

    async def script(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(MessageId.TALK_ABILITY, on_request=count)

    async with scripted(script) as port, rigged(port, wanted=False) as rig:
        with pytest.raises(DeadlineExceeded, match="did not tell within"):
            await _ready(rig)
        speaker = rig.camera.speaker(rig.camera.settings)
        with pytest.raises(DeadlineExceeded, match="did not tell within"):
            async with asyncio.timeout(0.1):  # at once: a player asks with DESCRIBE and each SETUP
                await speaker.learn()
    assert asked == 1


async def test_a_refusal_that_may_pass_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaker_module, "BELIEVE_S", -1.0)  # nor if no time has passed
    asked = 0

    def count(request: Requested) -> None:
        nonlocal asked
        asked += request.message_id == MessageId.TALK_ABILITY

    async def script(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(statuses={MessageId.TALK_ABILITY: Status.NOT_ALLOWED}, on_request=count)

    async with scripted(script) as port, rigged(port, wanted=False) as rig:
        with pytest.raises(Unsupported):
            await _ready(rig)
        await asyncio.sleep(0)
        with pytest.raises(Unsupported):
            await rig.camera.speaker(rig.camera.settings).learn()
    assert asked == 2


async def test_a_network_that_is_behind_costs_sound_and_not_the_cameras_buffer() -> None:
    class Behind:
        unsent_bytes = talk_module.MAX_UNSENT + 1

    assert not talk_module.TalkLine(Behind()).send(bytes(516))  # type: ignore[arg-type]  # all it needs


async def test_a_fault_of_ours_ends_the_talk_and_not_the_login(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with SimulatedCamera(_profile()) as camera, rigged(camera) as rig:
        speaker = await _ready(rig)
        monkeypatch.setattr(speaker_module, "AdpcmEncoder", None)
        speaker.say(tone_pcm(8000, 1600), 8000)
        await eventually(lambda: speaker.failures == 1)
        assert "internal error" in caplog.text
        await rig.main.until_pictures(3)
        assert camera.stats.logins == 1
