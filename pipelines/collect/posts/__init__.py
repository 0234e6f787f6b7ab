"""The facts and the content of posts, which are stored besides their metrics."""
