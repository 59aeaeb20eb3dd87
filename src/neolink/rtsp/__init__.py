"""RTSP 1.0 (RFC 2326) and SDP (RFC 4566) as values. Pure: no socket, no clock, no users."""
