"""Files of any kind as text, a page at a time, converted in a confined child process."""
