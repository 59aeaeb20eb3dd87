"""Long runs of the bridge, with faulty cameras and bad players.

``python -m soak`` is the long run, ``python -m soak.stress`` the crowd. Cameras, bridge and players
are processes of their own; only the bridge is measured. Nothing here is a test, and the product
imports nothing of it.
"""
