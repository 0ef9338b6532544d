"""Hedging: an idempotent call whose answer takes long is sent to another instance as well, and the first answer counts.

overdue        after how many seconds that is, learned from the answers
hedge_sync     the attempts of a call of a thread
hedge_async    the attempts of a call of a task
"""
