"""The REST API under /v1: one file for each noun."""
