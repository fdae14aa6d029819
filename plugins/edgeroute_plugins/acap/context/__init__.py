"""What is copied into every build context, and imported from here where it is run on this computer."""
