"""A file tried on a camera: copied by ssh, loaded and timed by larod-client, and what that says turned into findings.

ssh.py     one connection per command, by the system's OpenSSH client (keys, agents and jump hosts as the user has set them up)
larod.py   what larod-client prints, as values and findings
trial.py   all of it
"""
