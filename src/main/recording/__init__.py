"""What a bot embeds to have its facts recorded."""
