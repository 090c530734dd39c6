"""The OpenAPI 3.1 document of version 1, generated from routes, shapes and errors."""
