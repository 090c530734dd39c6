"""HTTPS: routes as data, what a request asks, what is answered, problem documents."""
