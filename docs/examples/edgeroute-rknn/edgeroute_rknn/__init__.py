"""Rockchip NPUs for edgeroute."""
