"""Parses a description with GStreamer and prints what it made of it; run by the system's Python.

    python3 gst_sdp.py < DESCRIPTION

One JSON object for each media section: what rtspsrc would take its caps from.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstSdp  # noqa: E402 - versions are chosen first


def section(media: "GstSdp.SDPMedia") -> dict[str, object]:
    """Return the fields of the caps of the only format."""
    assert media.formats_len() == 1
    caps = media.get_caps_from_media(int(media.get_format(0)))
    assert caps is not None
    fields = caps.get_structure(0)
    names = [fields.nth_field_name(number) for number in range(fields.n_fields())]
    found = {name: fields.get_value(name) for name in names}
    return {
        **found,
        "kind": media.get_media(),
        "port": media.get_port(),
        "control": media.get_attribute_val("control"),
        "bandwidth": [media.get_bandwidth(n).bandwidth for n in range(media.bandwidths_len())],
    }


def main() -> None:
    """Parse standard input."""
    Gst.init(None)
    _, message = GstSdp.SDPMessage.new()
    result = GstSdp.sdp_message_parse_buffer(sys.stdin.buffer.read(), message)
    assert result == GstSdp.SDPResult.OK, result
    sections = [section(message.get_media(number)) for number in range(message.medias_len())]
    sys.stdout.write(json.dumps(sections))


if __name__ == "__main__":
    main()
