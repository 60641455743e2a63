"""The assembly language's text: grammar, statements, expressions."""
