"""What can be counted or compared about models: size, speed, agreement, calibration, similarity."""
