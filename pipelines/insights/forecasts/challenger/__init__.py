"""The challenger: one model per grain, learned from the series of all accounts that allow it, tried beside each series'
own methods."""
