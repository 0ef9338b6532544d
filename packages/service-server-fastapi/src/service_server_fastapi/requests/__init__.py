"""What every request passes: admission, allowed hosts, disconnects."""
