"""Units of one stream → RTP packets, made once for all its players. No sockets here."""
