"""What the suite talks about: immutable facts and pure rules over them. No I/O."""
