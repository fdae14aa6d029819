"""The built-in plugins: each folder is one tool or one device family, found through the entry-point group like a stranger's."""
