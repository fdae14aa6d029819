"""OpenVINO for edgeroute."""
