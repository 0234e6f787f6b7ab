"""What MongoDB has after `Store.ensure`: collections, indexes, validators and expiries, and data of older versions."""
