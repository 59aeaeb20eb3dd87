"""RTP packets → each player, over TCP, UDP or multicast: queues, pacing. No requests here."""
