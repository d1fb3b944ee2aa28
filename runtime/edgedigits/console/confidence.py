"""A line of text about how a bundle's confidence was calibrated."""

from __future__ import annotations

from edgedigits.manifest import Confidence


def confidence_line(known: Confidence) -> str:
    """Return a line that says the temperature in a bundle's files and its effect, or why there is none."""
    if known.why_not is not None:
        return f"confidence: no temperature fitted: {known.why_not}"
    return (
        f"confidence: temperature {known.temperature:g}, fitted on {known.count} validation images of "
        f"{known.fitted_on}; there, expected calibration error {known.ece_before:.4f} -> {known.ece_after:.4f}"
    )
