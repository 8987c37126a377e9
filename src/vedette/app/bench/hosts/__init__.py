"""`vedette bench hosts`: the whole detector over labelled recordings, beside what others would take instead."""
