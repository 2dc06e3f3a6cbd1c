"""The web server of the namespace `outside`: answers any GET with the client's address."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Says who asks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with `client=ADDRESS`."""
        body = f"client={self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 80), Echo).serve_forever()
