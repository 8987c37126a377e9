"""One file per table: what the agent reads of its host. Reads files only; starts no program."""
