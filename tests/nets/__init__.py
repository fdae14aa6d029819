"""Small networks, trained for a moment on made-up data with a fixed seed: what the tests of the converters convert."""
