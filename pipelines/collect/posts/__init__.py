"""What is stored of posts besides their metrics: facts and content."""
