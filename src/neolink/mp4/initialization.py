"""The initialization segment: what a decoder must know before the first fragment, and its name.

ISO 14496-12 sections 8.2 to 8.8: a movie without samples, which fragments extend.
"""

from dataclasses import dataclass
from struct import Struct

from neolink.media.tracks import VIDEO_CLOCK_RATE, VideoTrack
from neolink.mp4.audio import AudioFormat
from neolink.mp4.boxes import UNITY_MATRIX, box, full_box, words
from neolink.mp4.video import video_codec_string, video_sample_entry

__all__ = ["AUDIO_TRACK_ID", "VIDEO_TRACK_ID", "init_segment", "mime_type"]

VIDEO_TRACK_ID = 1
AUDIO_TRACK_ID = 2

_MOVIE_CLOCK_RATE = 1000
_ENABLED_IN_MOVIE_AND_PREVIEW = 7
_UNDETERMINED = 0x55C4  # "und", five bits a letter
_IN_THIS_FILE = 1
_EMPTY_TABLES = b"".join(
    (
        full_box(b"stts", 0, 0, words(0)),
        full_box(b"stsc", 0, 0, words(0)),
        full_box(b"stsz", 0, 0, words(0, 0)),
        full_box(b"stco", 0, 0, words(0)),
    )
)
_DATA_HERE = box(b"dinf", full_box(b"dref", 0, 0, words(1), full_box(b"url ", 0, _IN_THIS_FILE)))
_FILE_TYPE = box(b"ftyp", b"iso6", words(1), b"iso6", b"mp41")
_MOVIE_HEADER = full_box(
    b"mvhd",
    0,
    0,
    words(0, 0, _MOVIE_CLOCK_RATE, 0, 1 << 16),
    Struct(">H10x").pack(1 << 8),
    UNITY_MATRIX,
    bytes(24),
    words(AUDIO_TRACK_ID + 1),
)


@dataclass(frozen=True, slots=True)
class _Track:
    """What the two kinds of tracks differ in."""

    track_id: int
    handler: bytes
    media_header: bytes
    clock_rate: int
    sample_entry: bytes
    width: int = 0
    height: int = 0
    volume: int = 0


def mime_type(video: VideoTrack, audio: AudioFormat | None) -> str:
    """Return the media type with codecs, as ``MediaSource.isTypeSupported`` takes it.

    Raises RemoteProtocolError for parameter sets that make no sense.
    """
    codecs = [video_codec_string(video)]
    if audio is not None:
        codecs.append(audio.codec_string)
    return f'video/mp4; codecs="{", ".join(codecs)}"'


def init_segment(video: VideoTrack, audio: AudioFormat | None = None, audio_rate: int = 0) -> bytes:
    """Return ``ftyp`` and ``moov`` of a movie with one video track and maybe one of sound.

    The clock of the video track is 90 kHz, that of the audio track ``audio_rate``. Raises
    RemoteProtocolError for parameter sets that make no sense.
    """
    tracks = [
        _Track(
            VIDEO_TRACK_ID,
            b"vide",
            full_box(b"vmhd", 0, 1, bytes(8)),
            VIDEO_CLOCK_RATE,
            video_sample_entry(video),
            width=video.width,
            height=video.height,
        )
    ]
    if audio is not None:
        header = full_box(b"smhd", 0, 0, bytes(4))
        tracks.append(
            _Track(AUDIO_TRACK_ID, b"soun", header, audio_rate, audio.sample_entry, volume=1 << 8)
        )
    extends = box(b"mvex", *map(_extends, tracks))
    return _FILE_TYPE + box(b"moov", _MOVIE_HEADER, *map(_trak, tracks), extends)


def _extends(track: _Track) -> bytes:
    return full_box(b"trex", 0, 0, words(track.track_id, 1, 0, 0, 0))


def _trak(track: _Track) -> bytes:
    header = full_box(
        b"tkhd",
        0,
        _ENABLED_IN_MOVIE_AND_PREVIEW,
        words(0, 0, track.track_id, 0, 0),
        Struct(">12xH2x").pack(track.volume),
        UNITY_MATRIX,
        words(track.width << 16, track.height << 16),
    )
    return box(b"trak", header, box(b"mdia", _media_header(track), _handler(track), _media(track)))


def _media_header(track: _Track) -> bytes:
    language = Struct(">H2x").pack(_UNDETERMINED)
    return full_box(b"mdhd", 0, 0, words(0, 0, track.clock_rate, 0), language)


def _handler(track: _Track) -> bytes:
    return full_box(b"hdlr", 0, 0, bytes(4), track.handler, bytes(12), b"\x00")


def _media(track: _Track) -> bytes:
    description = full_box(b"stsd", 0, 0, words(1), track.sample_entry)
    return box(b"minf", track.media_header, _DATA_HERE, box(b"stbl", description, _EMPTY_TABLES))
