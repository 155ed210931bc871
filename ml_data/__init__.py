"""The data shelf: store, importers, history, features, events, journal, snapshots."""
