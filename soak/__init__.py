"""Long runs of the bridge with faults and bad players: ``python -m soak``, ``python -m soak.stress``.

Three kinds of processes: the simulated cameras, the bridge as users run it, and the players (this
one). Only the bridge is measured. Nothing here is a test, and the product imports nothing of it.
"""
