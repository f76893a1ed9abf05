"""Returns to the authority and the department: attendance, sickness, admissions, the day, the census."""
