"""What follows an absence: whom to ring, what each code rests on, lateness, staged support, and the duties of a day."""
