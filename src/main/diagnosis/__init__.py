"""What is wrong with this installation: one check a subject, each with what was seen and how it is mended."""
