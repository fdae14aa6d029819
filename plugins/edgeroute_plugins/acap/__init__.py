"""Models that stay on a camera's CPU, packed with their runtime as a Docker build context."""
