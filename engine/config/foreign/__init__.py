"""Configurations of other tools as run files: every key of theirs is accounted for. Light; PyYAML only, and only `safe_load`."""
