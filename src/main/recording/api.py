"""How does a simple bot record with plain function calls and plain values?"""
