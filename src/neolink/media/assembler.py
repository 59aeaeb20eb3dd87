"""Makes access units of what a camera sends as one picture, and keeps its parameter sets.

The parameter sets, the track they describe and the wait for a random access point live here;
time stamps come from ``timeline``, packets from ``rtp``.

Hot path: :meth:`VideoAssembler.assemble` runs for every picture of every camera. Roles come from
a table by the first byte, and pictures without parameter sets touch nothing but their list.
"""

from neolink.errors import RemoteProtocolError
from neolink.media import h264, h265
from neolink.media.frame_rate import MeasuredFrameRate, plausible_frame_rate
from neolink.media.nal import NalRole, split_annex_b
from neolink.media.tracks import ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit

__all__ = ["MAX_ENHANCEMENT", "MAX_PARAMETER_SET", "MeasuredFrameRate", "VideoAssembler"]

MAX_PARAMETER_SET = 4096
"""Largest parameter set believed, in bytes."""

MAX_ENHANCEMENT = 4096
"""Larger SEI NAL units are private data for which no player asked; they are dropped."""

_CODINGS = {VideoCodec.H264: h264, VideoCodec.H265: h265}
_MIN_NAL_LENGTH = {VideoCodec.H264: 1, VideoCodec.H265: 2}
_VPS_TYPES = {VideoCodec.H264: -1, VideoCodec.H265: h265.NAL_VPS}
_SPS_TYPES = {VideoCodec.H264: h264.NAL_SPS, VideoCodec.H265: h265.NAL_SPS}


class VideoAssembler:
    """Assembles the access units of one video stream of one codec.

    ``track`` describes the stream as soon as its parameter sets are complete; it stays the same
    object until they differ. ``rejected`` counts units dropped as damaged, ``last_rejection``
    tells why. ``frame_rate`` is the nominal frame rate: what the VUI claims, else
    ``nominal_frame_rate`` (both only if plausible), else measured.
    """

    def __init__(self, codec: VideoCodec, nominal_frame_rate: float | None = None) -> None:
        self.codec = codec
        self.nominal_frame_rate = nominal_frame_rate
        self.track: VideoTrack | None = None
        self.frame_rate = MeasuredFrameRate(nominal_frame_rate)
        self.rejected = 0
        self.last_rejection = ""
        self._coding = _CODINGS[codec]
        self._roles = self._coding.ROLES
        self._min_nal_length = _MIN_NAL_LENGTH[codec]
        self._vps = self._sps = b""
        self._pps: dict[int, bytes] = {}
        self._newest_sets: list[bytes] = []
        self._is_waiting = True

    def assemble(self, annex_b: bytes | memoryview, pts: int) -> AccessUnit | None:
        """Make an access unit of one picture in Annex B form; ``pts`` counts 90 kHz.

        Returns ``None`` until the parameter sets and a random access point have come, and for a
        unit without a picture or with damage. Never raises for what a camera sends. The access
        unit holds views of ``annex_b`` if that is bytes or a view of bytes, else of a copy.
        """
        try:
            return self._assemble(split_annex_b(annex_b), pts)
        except RemoteProtocolError as error:
            self.rejected += 1
            self.last_rejection = str(error)
            self._is_waiting = True  # what follows may refer to the picture just dropped
            return None

    def await_random_access(self) -> None:
        """Drop pictures until the next random access point: something before it was lost."""
        self._is_waiting = True

    def _assemble(self, units: list[memoryview], pts: int) -> AccessUnit | None:
        roles, min_length = self._roles, self._min_nal_length
        kept: list[memoryview] = []
        sets: list[bytes] = []
        has_slice = has_random_access = has_enhancement = False
        for unit in units:
            if len(unit) < min_length:
                continue
            role = roles[unit[0]]
            if role is NalRole.SLICE:
                has_slice = True
            elif role is NalRole.RANDOM_ACCESS_SLICE:
                has_slice = has_random_access = True
            elif role is NalRole.PARAMETER_SET:
                sets.append(bytes(unit))
                continue
            elif role is NalRole.DISPOSABLE:
                continue
            elif role is NalRole.ENHANCEMENT:
                if len(unit) > MAX_ENHANCEMENT:
                    continue
                has_enhancement = True
            kept.append(unit)
        if sets and sets != self._newest_sets:
            self._take_parameter_sets(sets)
        if has_enhancement and not has_random_access:
            has_random_access = self._coding.is_random_access(kept)
        if not has_slice or self.track is None or (self._is_waiting and not has_random_access):
            return None
        self._is_waiting = False
        self.frame_rate.observe(pts)
        return AccessUnit(self.track, tuple(kept), pts, has_random_access)

    def _take_parameter_sets(self, sets: list[bytes]) -> None:
        """Make the sets of one unit the current ones; nothing changes when one is damaged."""
        vps, sps, pps = self._vps, self._sps, {}
        for nal in sets:
            _check_length(nal)
            kind = self._coding.nal_type(nal)
            if kind == _VPS_TYPES[self.codec]:
                vps = nal
            elif kind == _SPS_TYPES[self.codec]:
                sps = nal
            else:
                pps[self._coding.parse_pps_id(nal)] = nal
        # A PPS belongs to the SPS it came with; alone it joins the ones already known.
        known = self._pps if sps == self._sps else {}
        comes_with_sps = any(nal is sps for nal in sets)
        pps = pps if pps and comes_with_sps else {**known, **pps}
        track = self._describe(vps, sps, pps)
        self._vps, self._sps, self._pps, self._newest_sets = vps, sps, pps, sets
        if track is None or track != self.track:
            self.track = track
            self.frame_rate.nominal = track.frame_rate if track else self.nominal_frame_rate
            self.frame_rate.reset()
            self._is_waiting = True

    def _describe(self, vps: bytes, sps: bytes, pps: dict[int, bytes]) -> VideoTrack | None:
        """Return the track of these sets, the current one if equal, ``None`` if incomplete."""
        if not sps or not pps or (self.codec is VideoCodec.H265 and not vps):
            return None
        info = self._coding.parse_sps(sps)
        return VideoTrack(
            codec=self.codec,
            parameter_sets=ParameterSets(sps, tuple(pps[key] for key in sorted(pps)), vps),
            width=info.width,
            height=info.height,
            frame_rate=plausible_frame_rate(info.frame_rate, self.nominal_frame_rate),
            profile=info.profile,
        )


def _check_length(nal: bytes) -> None:
    if len(nal) > MAX_PARAMETER_SET:
        raise RemoteProtocolError(
            f"expected a parameter set of at most {MAX_PARAMETER_SET} bytes, got {len(nal)}"
        )
