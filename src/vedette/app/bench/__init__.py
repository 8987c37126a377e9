"""Measurements of the server by simulated hosts on the real wire: `vedette bench`."""
