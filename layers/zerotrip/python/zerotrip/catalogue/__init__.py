"""Items as data: codes, forms, materials, checks, routes, fees, licences."""
