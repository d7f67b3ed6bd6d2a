"""The studio: brands, briefs, variants, contents and the engine that writes them."""
