"""What does a bot embed to have its facts recorded?"""
