"""What every other package speaks in: errors, values, schemas, files and folders, several processes."""
