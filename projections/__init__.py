"""What the facts amount to: read models over entries, and the kernels that count them."""
