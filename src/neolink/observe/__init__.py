"""The one place that reads the counters of all parts: running bridge → ``neolink.readings``.

Nothing is counted, decided or shown here.
"""
