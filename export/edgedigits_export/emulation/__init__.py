"""Run the package on an emulated Raspberry Pi, or in a temporary environment with other engine releases."""
