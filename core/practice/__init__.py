"""Practice: what was learned and when, flash cards, mock interviews, exercises that run and are graded."""
