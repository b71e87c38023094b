"""Where every block of every layer lies, what it holds, how clear it is."""
