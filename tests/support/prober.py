"""A simple prober: asks DNS, then GETs, at fixed times; one line a request: due time (CLOCK_MONOTONIC seconds) and 1 or 0.
prober.py SERVER NAME PORT PATH INTERVAL SECONDS"""
import http.client, socket, struct, sys, threading, time

server, name, port, path, interval, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]), float(sys.argv[6])
query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0\0\1\0\1"
cache = {"address": None, "until": 0.0}
lock = threading.Lock()


def resolve():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.sendto(query, (server, 53))
        data = s.recv(512)
    at = len(query)
    count = struct.unpack(">H", data[6:8])[0]
    ttl = struct.unpack(">I", data[at + 6 : at + 10])[0] if count else 0
    return socket.inet_ntoa(data[at + 12 : at + 16]), ttl


def address():
    with lock:
        if time.monotonic() >= cache["until"]:
            cache["address"], ttl = resolve()
            cache["until"] = time.monotonic() + ttl
        return cache["address"]


def probe(due):
    good = 0
    try:
        c = http.client.HTTPConnection(address(), port, timeout=max(0.01, due + 1 - time.monotonic()))
        c.request("GET", path)
        good = int(c.getresponse().status == 200 and time.monotonic() <= due + 1)
        c.close()
    except Exception:
        pass
    with lock:
        print(f"{due:.6f} {good}", flush=True)


start = time.monotonic()
for i in range(int(seconds / interval)):
    due = start + i * interval
    time.sleep(max(0, due - time.monotonic()))
    threading.Thread(target=probe, args=(due,), daemon=True).start()
time.sleep(1.2)
