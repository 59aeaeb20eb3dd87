"""The Baichuan protocol of Reolink cameras, both ends of it. Pure: bytes in, values out."""
