"""What only a GPU can show. Every test here is skipped without one."""
