"""Many schools at once: where each stands, batches of archives, pooled figures."""
