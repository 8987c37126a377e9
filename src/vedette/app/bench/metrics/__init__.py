"""`vedette bench metrics`: the vitals expert on labelled series of metrics, beside what others would take instead."""
