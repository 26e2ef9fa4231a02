"""Building blocks of pages: the pieces that several of them share."""
