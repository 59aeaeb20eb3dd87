"""What tests share and the package does not need: a strict RTSP client, media made by hand."""
