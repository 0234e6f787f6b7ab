"""The destinations: a module per database. Each is an optional extra and imported when it is used."""
