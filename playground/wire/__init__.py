"""What goes over the network besides REST's routes: gateway, files, faults."""
