"""The inference worker: the engine and the shadow step."""
