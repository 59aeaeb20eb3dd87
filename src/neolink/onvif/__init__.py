"""What ONVIF has words for: documents about what a camera notices. No sockets, no RTP."""
