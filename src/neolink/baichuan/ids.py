"""Numbers and names of the wire: message ids, classes, response codes, stream kinds, limits.

Constants only (protocol reference, sections 1.2, 1.3, 1.6 to 1.8, 3 and 6.1). No behaviour, and
nothing about the XML inside the messages.
"""

from enum import Enum, IntEnum

__all__ = [
    "BINARY_IDS",
    "DEFAULT_PORT",
    "MAGIC",
    "MAGIC_SWAPPED",
    "MAX_BODY_LENGTH",
    "MAX_CLIENT_BODY_LENGTH",
    "MAX_MEDIA_BODY_LENGTH",
    "MAX_XML_LENGTH",
    "PUSHES",
    "MessageClass",
    "MessageId",
    "Status",
    "StreamType",
]

DEFAULT_PORT = 9000

MAGIC = b"\xf0\xde\xbc\x0a"
MAGIC_SWAPPED = b"\xa0\xcb\xed\x0f"
"""Seen between devices; accepted, never sent."""

MAX_BODY_LENGTH = 8 * 1024 * 1024
"""A longer body is damage, not media (section 1.7)."""

MAX_XML_LENGTH = 64 * 1024
"""Longest Extension or XML body; the largest real ones are an order of magnitude shorter."""

MAX_MEDIA_BODY_LENGTH = 40_000
"""Cameras cut media at this many body bytes."""

MAX_CLIENT_BODY_LENGTH = 40_000
"""A camera closes the connection on a longer body from a client."""


class MessageClass(IntEnum):
    """The word at offset 18; it decides how long the header is (section 1.3)."""

    LEGACY_REQUEST = 0x6514
    LEGACY_REPLY = 0x6614
    REQUEST = 0x6414
    REPLY = 0x0000
    FILE = 0x6482
    BARE = 0xFFFF


class Status(IntEnum):
    """The word at offset 16 outside the login's negotiation (section 1.8)."""

    REQUEST = 0
    OK = 200
    LAST = 201
    FINISHED = 300
    PLAYBACK = 331
    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    UPGRADE_RUNNING = 403
    NOT_ALLOWED = 405
    DEVICE_BOUND = 406
    WRONG_CLASS = 417
    UNAVAILABLE = 421
    BUSY = 422


class StreamType(Enum):
    """What a preview can show: name in the XML, handle, and header byte 13 (section 6.1)."""

    MAIN = ("mainStream", 0, 0)
    SUB = ("subStream", 256, 1)
    EXTERN = ("externStream", 1024, 0)

    def __init__(self, wire_name: str, handle: int, header_byte: int) -> None:
        self.wire_name = wire_name
        self.handle = handle
        self.header_byte = header_byte


class MessageId(IntEnum):
    """What a message is about (section 3). Cameras send more than these: ids stay plain ints."""

    # session, system, account
    LOGIN = 1
    LOGOUT = 2
    REBOOT = 23
    SHUTDOWN = 24
    PORTS_SET = 36
    PORTS_GET = 37
    NTP_GET = 38
    NTP_SET = 39
    DDNS_GET = 40
    DDNS_SET = 41
    USERS_GET = 58
    USERS_SET = 59
    CONFIG_EXPORT = 65
    CONFIG_IMPORT = 66
    FIRMWARE_UPLOAD = 67
    NETWORK_GET = 76
    NETWORK_SET = 77
    VERSION = 80
    PING = 93
    UPNP_GET = 97
    UPNP_SET = 98
    RESTORE = 99
    AUTO_REBOOT_SET = 100
    AUTO_REBOOT_GET = 101
    HDD_LIST = 102
    HDD_FORMAT = 103
    GENERAL_GET = 104
    GENERAL_SET = 105
    DST_GET = 106
    DST_SET = 107
    LOG = 108
    UID = 114
    WIFI_SIGNAL = 115
    WIFI_GET = 116
    WIFI_SET = 117
    ONLINE_USERS = 120
    ONLINE_USER_KICK = 121
    PERFORMANCE = 122
    CHANNEL_LIST = 145
    ABILITIES = 151
    ONLINE_UPDATE = 191
    ALARM_REPORT_START = 192
    ALARM_REPORT_STOP = 193
    AUTO_UPDATE_GET = 195
    AUTO_UPDATE_SET = 196
    FIRMWARE_CHECK = 197
    SUPPORT = 199
    WIFI_TEST = 200
    P2P_GET = 210
    P2P_SET = 211
    UPGRADE_STATUS = 227
    DEVICE_SLEEP = 233
    UDP_KEEPALIVE = 234
    CLOUD_BIND = 268
    CLOUD_LOGIN_KEY_GET = 282
    CLOUD_LOGIN_KEY_SET = 283
    TIME_SYNC = 287
    CHANNEL_VERSION = 318
    NET_INFO = 464
    SLEEP_STATE_GET = 574
    SLEEP_STATE_SET = 575
    CONFIG_CHANGED = 580
    SLEEP_STATUS = 623
    WEBHOOK_GET = 806
    WEBHOOK_SET = 807

    # video, audio, image
    PREVIEW_START = 3
    PREVIEW_STOP = 4
    REPLAY_START = 5
    REPLAY_STOP = 7
    VIDEO_DOWNLOAD = 8
    TALK_ABILITY = 10
    TALK_RESET = 11
    FILE_DOWNLOAD = 13
    FILE_SEARCH_OPEN = 14
    FILE_SEARCH_NEXT = 15
    FILE_SEARCH_CLOSE = 16
    VIDEO_INPUT_SET = 25
    VIDEO_INPUT_GET = 26
    OSD_GET = 44
    OSD_SET = 45
    SHELTER_GET = 52
    SHELTER_SET = 53
    COMPRESSION_GET = 56
    COMPRESSION_SET = 57
    VIDEO_INPUT_CHANGED = 78
    SNAPSHOT = 109
    REPLAY_SEEK = 123
    VIDEO_INPUT_DEFAULT = 132
    COVER = 138
    DAY_RECORDS = 142
    PLAYBACK_START = 143
    PLAYBACK_STOP = 144
    STREAM_LIST = 146
    IFRAME_PREVIEW = 149
    IFRAME_REPLAY = 150
    IFRAME_REQUEST = 189
    TALK_CONFIG = 201
    TALK_DATA = 202
    AUTO_FOCUS_GET = 224
    AUTO_FOCUS_SET = 225
    DAY_NIGHT_THRESHOLD_GET = 296
    DAY_NIGHT_THRESHOLD_SET = 297
    COVER_PREVIEW = 298

    # recordings
    RECORD_CONFIG_GET = 54
    RECORD_CONFIG_SET = 55
    RECORD_SCHEDULE_GET = 81
    RECORD_SCHEDULE_SET = 82
    ALARM_VIDEO_OPEN = 272
    ALARM_VIDEO_NEXT = 273
    ALARM_VIDEO_CLOSE = 274
    MANUAL_RECORD_SET = 587
    MANUAL_RECORD = 588
    PRE_RECORD_GET = 594
    PRE_RECORD_SET = 595
    AI_RECORD_GET = 655
    AI_RECORD_SET = 656

    # alarms and events
    ALARM_SUBSCRIBE = 31
    ALARM_EVENTS = 33
    MOTION_GET = 46
    MOTION_SET = 47
    FLOODLIGHT_ALARM_SET = 204
    PIR_GET = 212
    PIR_SET = 213
    AUDIO_TASK_SET = 231
    AUDIO_TASK_GET = 232
    AI_GET = 299
    AI_SET = 300
    AI_DETECT_GET = 342
    AI_DETECT_SET = 343
    CROSSLINE_GET = 527
    CROSSLINE_SET = 528
    INTRUSION_GET = 529
    INTRUSION_SET = 530
    LOITERING_GET = 531
    LOITERING_SET = 532
    LEFT_ITEM_GET = 549
    LEFT_ITEM_SET = 550
    TAKEN_ITEM_GET = 551
    TAKEN_ITEM_SET = 552
    YOLO_EVENTS = 600
    IO_INPUT = 677
    YOLO_EVENTS_DETAILED = 696
    TAMPER_GET = 763
    TAMPER_SET = 764

    # pan, tilt, zoom, lens
    PTZ_CONTROL = 18
    PTZ_PRESET_SET = 19
    PTZ_CRUISE = 20
    SERIAL_SET = 34
    PTZ_PATROL_GET = 64
    SERIAL_CHANGED = 79
    PTZ_PRESET_GET = 190
    ZOOM_FOCUS_GET = 294
    ZOOM_FOCUS_START = 295
    PTZ_GUARD_SET = 331
    PTZ_GUARD_GET = 332
    PTZ_CHECK = 341
    PTZ_POSITION_GET = 433
    TRACK_LIMIT_GET = 434
    TRACK_LIMIT_SET = 435
    PTZ_3D = 445
    PTZ_POSITION_SET = 468
    PTZ_RUNNING = 542

    # lights, siren, audio, doorbell
    LED_GET = 208
    LED_SET = 209
    SIREN = 263
    AUDIO_GET = 264
    AUDIO_SET = 265
    FLOODLIGHT_MANUAL = 288
    FLOODLIGHT_TASK_GET = 289
    FLOODLIGHT_TASK_SET = 290
    FLOODLIGHT_STATUS = 291
    AUDIO_FILES = 347
    AUDIO_FILE_PLAY = 349
    AUTO_REPLY_GET = 427
    AUTO_REPLY_SET = 428
    FLOODLIGHT_TASK_GET_NEW = 438
    AUDIO_DENOISE_GET = 439
    AUDIO_DENOISE_SET = 440
    CHIME_CONTROL = 483
    CHIME_LIST = 484
    CHIME_OPTION = 485
    CHIME_GET = 486
    CHIME_SET = 487
    SIREN_STATUS = 547
    CHIME_SILENT_GET = 609
    CHIME_SILENT_SET = 610

    # battery
    BATTERY_LIST = 252
    BATTERY = 253
    CELLULAR = 255
    BATTERY_MODE_GET = 626
    BATTERY_MODE_SET = 627
    ADAPTER_MODE_GET = 771
    ADAPTER_MODE_SET = 772

    # notifications and mail
    EMAIL_GET = 42
    EMAIL_SET = 43
    FTP_GET = 68
    FTP_SET = 69
    FTP_TASK_GET = 70
    FTP_TASK_SET = 71
    PUSH_REGISTER = 124
    PUSH_UNREGISTER = 125
    EMAIL_TEST = 141
    FTP_TEST = 194
    EMAIL_TASK_SET = 216
    EMAIL_TASK_GET = 217
    PUSH_TASK_SET = 218
    PUSH_TASK_GET = 219

    # scenes and automation of hubs
    SCENE_MODE_GET = 601
    SCENE_MODE_SET = 602
    SCENE_LIST = 603
    SCENE_GET = 604
    SCENE_SET = 605
    AUTOMATION_LIST = 685


PUSHES: frozenset[int] = frozenset(
    {33, 78, 79, 145, 234, 252, 255, 291, 464, 484, 542, 547, 580, 588, 600, 623, 677, 696, 723}
)
"""Ids a camera sends without being asked (section 1.6); 723 has no known name."""

BINARY_IDS: frozenset[int] = frozenset(
    {
        MessageId.PREVIEW_START,
        MessageId.REPLAY_START,
        MessageId.VIDEO_DOWNLOAD,
        MessageId.FILE_DOWNLOAD,
        MessageId.SNAPSHOT,
        MessageId.COVER,
        MessageId.PLAYBACK_START,
        MessageId.COVER_PREVIEW,
    }
)
"""Ids whose replies carry binary payloads, also when the marking Extension was missed."""
