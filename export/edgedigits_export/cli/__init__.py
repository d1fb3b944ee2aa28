"""The commands that need a workstation: export, check, report, and parts of parity and selftest."""
