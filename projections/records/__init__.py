"""What was written down: registers, chronology, admission register, leave, policies, changes."""
