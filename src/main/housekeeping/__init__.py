"""What must happen once, job by job: its pace, its limit, how its runs went, and where that is written down."""
