"""What is made of results: for people, for other programs, for leaderboards."""
