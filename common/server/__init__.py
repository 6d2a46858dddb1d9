"""The web server: gunicorn with a worker that gives threads to whole requests, and takes them from those who wait."""
