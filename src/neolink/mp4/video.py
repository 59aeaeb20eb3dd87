"""Video tracks in MP4: their names and what the sample entry says (ISO 14496-12 section 12.1)."""

from struct import Struct

from neolink.media.tracks import VideoCodec, VideoTrack
from neolink.mp4.avc import avc_codec_string, avc_configuration
from neolink.mp4.boxes import box
from neolink.mp4.hevc import hevc_codec_string, hevc_configuration

__all__ = ["video_codec_string", "video_sample_entry"]

_CODINGS = {
    VideoCodec.H264: (b"avc1", avc_configuration, avc_codec_string),
    VideoCodec.H265: (b"hvc1", hevc_configuration, hevc_codec_string),
}
_DATA_REFERENCE = 1
_DOTS_PER_INCH = 72 << 16
_FRAMES_PER_SAMPLE = 1
_COLOR_DEPTH = 24
_NO_COLOR_TABLE = -1
_pack_entry = Struct(">6xH16xHHII4xH32xHh").pack


def video_codec_string(track: VideoTrack) -> str:
    """Return the track's name for ``codecs=`` (RFC 6381).

    Raises RemoteProtocolError for parameter sets that make no sense.
    """
    return _CODINGS[track.codec][2](track.parameter_sets)


def video_sample_entry(track: VideoTrack) -> bytes:
    """Return ``avc1`` or ``hvc1``; the parameter sets are in it and nowhere else.

    Raises RemoteProtocolError for parameter sets that make no sense.
    """
    kind, configuration, _ = _CODINGS[track.codec]
    fields = _pack_entry(
        _DATA_REFERENCE,
        track.width,
        track.height,
        _DOTS_PER_INCH,
        _DOTS_PER_INCH,
        _FRAMES_PER_SAMPLE,
        _COLOR_DEPTH,
        _NO_COLOR_TABLE,
    )
    return box(kind, fields, configuration(track.parameter_sets))
