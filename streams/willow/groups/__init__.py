"""The client's methods, one module per group of Willow's API; each method is a row of the operations table."""
