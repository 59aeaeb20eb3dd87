"""What a picture or a sound is, from any camera. Pure: values only, no I/O, no clock."""
