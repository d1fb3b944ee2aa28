"""Inference engines, one module each, which follow one protocol and are found by name."""

from __future__ import annotations

from edgedigits.engines.registry import (
    ENGINES,
    EngineName,
    choose_engine,
    engine_version,
    installed_engines,
    load_engine,
)

__all__ = ["ENGINES", "EngineName", "choose_engine", "engine_version", "installed_engines", "load_engine"]
