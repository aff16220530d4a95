"""Dialogs: they ask one thing and lie over the screen that asked."""
