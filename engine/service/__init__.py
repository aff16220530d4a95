"""The engine service: a warm process that answers the TUI's questions about data, over its stdin and stdout."""
