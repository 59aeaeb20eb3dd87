"""What the parts of one connection share: the device, the protocol's engine, the way out.

Messages pass the faults of XML and media here, bytes those of the wire in ``outlet``. What is
answered is decided elsewhere.
"""

from neolink.baichuan.bcmedia import InfoPacket, Packet, serialize
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MAX_MEDIA_BODY_LENGTH, Status
from neolink.baichuan.server import ServerProtocol
from neolink.baichuan.xml import Extension
from neolink.media.tracks import StreamKind
from neolink.simulator.device import Device
from neolink.simulator.faults import Cargo, Fault
from neolink.simulator.outlet import Outlet

__all__ = ["Line"]

_EXTENSION_ROOM = 256  # bytes of a media message


class Line:
    """One connection's way to its client."""

    def __init__(self, device: Device, protocol: ServerProtocol, outlet: Outlet) -> None:
        self.device = device
        self.protocol = protocol
        self.outlet = outlet

    @property
    def is_open(self) -> bool:
        """Whether what is sent can still arrive."""
        return not self.outlet.is_closing

    def reply(self, header: Header, *, status: int = Status.OK, body: bytes = b"") -> None:
        """Queue an answer; `flush` sends it."""
        self.protocol.reply(header, status=status, body=self.altered(header.message_id, body))

    def altered(self, message_id: int, body: bytes) -> bytes:
        """Return what the faults of the moment make of the XML of an answer."""
        for fault in self.device.faults:
            body = fault.on_body(message_id, body) if body else body
        return body

    def flush(self) -> None:
        """Send what is queued."""
        self.outlet.send(self.protocol.data_to_send())

    def send_packet(self, header: Header, packet: Packet, stream: StreamKind) -> list[Packet]:
        """Send a media packet; return what the faults of the moment made of it."""
        faults = self.device.faults_of(stream)
        packets = [packet]
        for fault in faults:
            packets = [out for one in packets for out in fault.on_packet(one)]
        for one in packets:
            self._send(header, _announced(one, faults), stream, faults)
        return packets

    def send_info(self, header: Header, packet: InfoPacket, stream: StreamKind) -> None:
        """Send the packet that answers a request for a preview, also where no media comes."""
        faults = self.device.faults_of(stream)
        self._send(header, _announced(packet, faults), stream, faults)

    def _send(
        self, header: Header, packet: Packet, stream: StreamKind, faults: list[Fault]
    ) -> None:
        self.flush()  # so that these bytes go alone
        pads = [fault.pad_byte for fault in faults if fault.pad_byte is not None]
        data = serialize(packet, pad_byte=pads[-1] if pads else 0)
        for fault in faults:
            data = fault.on_media(data)
        excess = sum(fault.encryption_excess for fault in faults)
        if excess and self.protocol.encryption is Encryption.FULL_AES:
            self._send_overstated(header, data, excess)
        else:
            self.protocol.send_media(header, data, starts_packet=True)
        self.outlet.send(self.protocol.data_to_send(), Cargo(packet, stream))

    def _send_overstated(self, header: Header, data: bytes, excess: int) -> None:
        """Queue media whose first message says that more is encrypted than there is."""
        room = MAX_MEDIA_BODY_LENGTH - _EXTENSION_ROOM
        first, rest = data[:room], data[room:]
        extension = Extension(
            binary_data=True,
            encrypt_len=len(first) + excess,
            check_pos=0,
            check_value=int.from_bytes(first[:4], "little", signed=True),
        )
        self.protocol.reply(header, body=first, extension=extension)
        self.protocol.send_media(header, rest, starts_packet=False)


def _announced(packet: Packet, faults: list[Fault]) -> Packet:
    for fault in faults:
        packet = fault.on_info(packet) if isinstance(packet, InfoPacket) else packet
    return packet
