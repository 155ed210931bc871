"""What a person sets about the engine: apart from the engine, whose libraries a command line can start without."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineSettings:
    """How sure is sure: the lowest confidence that is advice at all, and the one that is called high.

    `stale_minutes` is how old the newest bar may be at the moment of the event; `cache_seconds` how long an answer is
    kept.
    """

    confidence_threshold: float = 0.55
    high_confidence: float = 0.65
    stale_minutes: int = 3
    cache_seconds: float = 300.0
