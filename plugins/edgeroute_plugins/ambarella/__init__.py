"""Ambarella's CNNGen toolchain for CV25 and CV75, found on this computer or handed to a colleague."""
