"""What happens to calls when there are too many of them, or when an instance is slow, frozen or broken."""
