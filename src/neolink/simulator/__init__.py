"""A camera that others believe: the Baichuan protocol's far end, with real pictures and sound."""
