"""A timestamp service on loopback for tests: tsa.py CONFIG PORTFILE. Answers RFC 3161 queries with `openssl ts -reply`."""
import http.server, subprocess, sys, tempfile


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with tempfile.NamedTemporaryFile() as query:
            query.write(self.rfile.read(int(self.headers["Content-Length"])))
            query.flush()
            command = ["openssl", "ts", "-reply", "-config", sys.argv[1], "-queryfile", query.name]
            answer = subprocess.run(command, capture_output=True, check=True).stdout
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[2], "w") as f:
    f.write(str(server.server_port))
server.serve_forever()
