"""What a run will take before it starts: memory, steps and time, by the functions that serve verb, worker and screens."""
