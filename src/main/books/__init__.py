"""What follows from facts, and is it written down? Folding, rebuilding and keeping the books of accounts."""
