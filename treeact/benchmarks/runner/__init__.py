"""Running a suite: who does what where, and what is done when."""
