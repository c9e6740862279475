"""Classical signal processing: pedestal, filters, coherent noise, and the methods built of them."""
