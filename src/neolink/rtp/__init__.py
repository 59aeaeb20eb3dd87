"""RTP and RTCP (RFC 3550) and the payload formats. Pure: units in, packets out, and back."""
