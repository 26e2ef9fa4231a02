"""How a student learns from a teacher: losses, objectives, students and the runs that train them."""
