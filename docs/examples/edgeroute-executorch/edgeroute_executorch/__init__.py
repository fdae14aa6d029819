"""ExecuTorch for edgeroute."""
