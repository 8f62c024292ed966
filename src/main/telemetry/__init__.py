"""What a process tells about itself: probes, metrics, logs."""
