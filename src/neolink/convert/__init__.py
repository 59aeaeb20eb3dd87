"""Sound from one coding into another, by PyAV (extra ``media``), in a few threads. No RTP here."""
