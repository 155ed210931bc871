"""The monitoring worker: outcomes, performance, calibration, the report."""
