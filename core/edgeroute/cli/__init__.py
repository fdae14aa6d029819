"""One file per sub-command; thin: parse, call, render, exit code."""
