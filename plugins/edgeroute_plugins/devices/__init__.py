"""Axis' cameras: the devices, their rules as data, and the judge that holds files against them."""
