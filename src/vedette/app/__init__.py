"""Binds the rooms: settings, wiring, processes, telemetry, command line, demo. Imported by nobody."""
