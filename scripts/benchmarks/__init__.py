"""How fast the product is, always beside a floor: the least that any program doing the same would have to do."""
