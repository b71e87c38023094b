"""The same files for other tools: each kind of door is a function from a part to bytes; pure."""
