"""The RTSP server's sockets: connections, mounts that packetize once, deliveries to players."""
