"""The life of servers as processes of their own, found through a real Consul."""
