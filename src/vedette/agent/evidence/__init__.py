"""Evidence: what a host collects when it is asked, within bounds of its own, sealed before it leaves."""
