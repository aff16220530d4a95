"""The run file: one module per group of sections, `load` to read it, `spec` to describe it. Light."""
