"""The simulated Threads API: profiles, posts, replies, insights, public profiles, tokens and its budget of calls."""
