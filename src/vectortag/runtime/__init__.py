"""From a file to what a network says of it: pixels, the runtimes behind one interface, work on all cores."""
