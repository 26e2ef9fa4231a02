"""What pages are built from: the pieces that several of them share."""
