"""GStreamer talks to a camera: ``rtspsrc backchannel=onvif``, every format, over TCP and UDP."""

import ctypes.util
import json
import os
from pathlib import Path

import pytest

from neolink.simulator.loudspeaker import TalkProfile
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.listening import assert_tone, measured_lateness
from support.players import LATE_S
from support.processes import need_programs, python, run_for
from support.scenario import until_soon

WORKER = Path(__file__).parents[1] / "support" / "gst_talker.py"
SECONDS = 2.0
PROFILE = CameraProfile(name="porch", talk=TalkProfile())


def need_gstreamer() -> None:
    """Skip without GStreamer; the library comes with its program."""
    need_programs("gst-launch-1.0")
    if ctypes.util.find_library("gstreamer-1.0") is None:
        message = "libgstreamer-1.0 is not found"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.mark.foreign
@pytest.mark.alone
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("encoding", ["PCMU", "PCMA", "L16"])
async def test_gstreamer_is_heard_at_its_pitch_and_in_time(encoding: str, transport: str) -> None:
    need_gstreamer()
    async with running_bridge(PROFILE) as bridge, measured_lateness() as late:
        command = (python(), str(WORKER), bridge.url("porch", "sub"), transport, encoding)
        ended = await run_for((*command, str(SECONDS), "{0}"), seconds=SECONDS + LATE_S)
        told = json.loads(ended.outputs[0])
        assert told["errors"] == []
        assert told["pictures"] > 20
        heard = bridge.camera.loudspeaker()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert_tone(heard, told["sent"] * 0.02, late_s=late.most_s + told["late_s"])


@pytest.mark.foreign
@pytest.mark.alone
async def test_gstreamer_plays_a_camera_that_cannot_talk_when_it_does_not_insist() -> None:
    need_gstreamer()
    async with running_bridge(CameraProfile(name="porch")) as bridge:
        url = bridge.url("porch", "sub", backchannel="1")
        pipeline = (
            f"gst-launch-1.0 -q rtspsrc location={url} protocols=tcp"
            " ! application/x-rtp,media=video ! fdsink fd={0}"
        )
        ended = await run_for(pipeline.split(), seconds=1.0)
        assert len(ended.outputs[0]) > 5000
