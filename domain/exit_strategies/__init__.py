"""The strategies that close positions, one a file, in the order in which they are asked."""
