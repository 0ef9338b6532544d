"""What a command is about: instances at URLs, in Consul or in a file, or an interface in Python code."""
