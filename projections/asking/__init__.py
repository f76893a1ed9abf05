"""Questions: a day, a moment of knowledge, and the school, roll and marks as known at it."""
