"""The only SQL that writes: schema, transactions, change sets, retention."""
