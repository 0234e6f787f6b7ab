"""The contract that collection, rollups and serving share: what a number is, where it is kept, how it is announced."""
