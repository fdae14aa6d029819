"""Google's Edge TPU compiler, found on this computer or handed to a colleague."""
