"""The bytes of a connection, both ways: a socket, TLS, tunnels inside HTTP. No RTSP here."""
