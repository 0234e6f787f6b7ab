"""Client code for Meta's Graph API, shared by Facebook and Instagram: batches, errors, lists, insights and days."""
