"""What infradb knows, in the forms that other programs and people's documents take."""
