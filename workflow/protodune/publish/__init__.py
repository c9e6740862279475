"""Tables, figures, paper and page from what was measured; nothing is computed here."""
