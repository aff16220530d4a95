"""Figures of a run in the forms that other programs read, made from its events: nothing is measured here."""
