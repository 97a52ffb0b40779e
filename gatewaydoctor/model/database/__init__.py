"""What is in the databases of a gateway, what is wrong with them, and what was moved into them."""
