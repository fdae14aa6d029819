"""The environment in which files of every kind are executed and measured."""
