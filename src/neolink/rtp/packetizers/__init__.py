"""One module per payload format: media units in, RTP payloads out. Pure and stateless functions.

No RTP headers, sequence numbers or timestamps here: :mod:`neolink.rtp.sender` adds them.
"""
