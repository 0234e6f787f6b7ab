"""The Socket.IO server: connections, their sign-in, and their subscriptions."""
