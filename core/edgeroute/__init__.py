"""Turns a trained model into the file that a camera's accelerator loads, and proves that it did."""
