"""A webhook's receiver on loopback: receiver.py LOG STATUS… answers the first request with the first status, and so on, the last one for
good. Prints its port when it listens; a line a request goes to LOG."""

import http.server
import json
import sys

log, statuses = open(sys.argv[1], "a", buffering=1, encoding="utf-8"), [int(word) for word in sys.argv[2:]]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        print(json.dumps({"path": self.path, "status": status, "body": body}), file=log)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
