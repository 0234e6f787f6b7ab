"""Set-up of MongoDB: collections, indexes, validators and expiries, and the conversion of data of older versions."""
