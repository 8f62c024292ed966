"""The HTTP and socket surface that all dashboards share."""
