"""The server-rendered pages: one file for each, templates beside the package's Python."""
