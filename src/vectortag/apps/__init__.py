"""The programs around the library: thin, they parse, call and print."""
