"""The demonstration: a real agent, a benign change, an abnormal one, and what Vedette makes of it."""
