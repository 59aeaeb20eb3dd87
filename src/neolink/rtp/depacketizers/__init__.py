"""One module per payload format: RTP packets in, the units that arrived whole out.

For clients: our tests and the probe. A gap in the sequence costs the unit it may have touched;
nothing is reordered or repaired. No sockets, no RTCP here.
"""
