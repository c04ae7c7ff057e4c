"""What all packages share: errors, values, schemas, numerics, files and folders, distributed processes."""
