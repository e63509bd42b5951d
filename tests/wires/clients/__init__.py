"""One module for each framework: its own client code, callable with the address of a service."""
