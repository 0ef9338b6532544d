"""The process: forks, the timers of its event loops, environment variables."""
