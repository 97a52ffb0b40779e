"""What a gateway stores, behind one face: files of the file era and databases of the database era."""
