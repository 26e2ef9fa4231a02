"""Labs too long for their page, and the Python that the pages print to reproduce them."""
