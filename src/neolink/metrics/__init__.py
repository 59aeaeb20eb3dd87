"""What is counted, as Prometheus text and StatsD datagrams, from ``neolink.readings`` only."""
