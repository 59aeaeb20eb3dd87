"""Measurements of the running bridge, each beside a peer or a floor of the same run.

``python -m bench`` runs the suite; ``buffers``, ``metrics``, ``live`` and ``wall`` are commands of
their own. A figure is a ratio where it can be; nothing here is a test.
"""
