"""How a request is put to a language model."""
