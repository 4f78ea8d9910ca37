"""Looks at drills' report.html as Chromium renders it: browser.py CHROMIUM FOLDER… Each must load without a console message, ask for
nothing but itself, and show the numbers of its report.json. Chromium is spoken to over its debugging pipe; names resolve to nothing, so
that the browser's own errands stay inside too."""

import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import time

FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-extensions --disable-default-apps --remote-debugging-pipe").split()
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
PATIENCE_S = 60


class Browser:
    """DevTools messages over descriptors 3 and 4, each ended by a zero byte."""

    def __init__(self, chromium, profile):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        self.rest, self.count, self.events = b"", 0, []

        def place():
            # Out of the way first: the ends may be 3 and 4 already, the other way round.
            ends = [os.dup(to_read), os.dup(back_write)]
            spare = [os.dup2(end, number) for end, number in zip(ends, (100, 101))]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self.process = subprocess.Popen([chromium, *FLAGS, OFFLINE, "--user-data-dir=" + profile], close_fds=False,
                                        preexec_fn=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)

    def close(self):
        self.call("Browser.close")
        self.process.wait(timeout=PATIENCE_S)

    def receive(self):
        while b"\0" not in self.rest:
            data = os.read(self.back, 65536)
            if not data:
                sys.exit("browser.py: chromium ended")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.count:
                if "error" in answer:
                    sys.exit(f"browser.py: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def load(self, url):
        """The page's DOM, what its console said, and what it asked for."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable", session)
        self.events.clear()
        self.call("Page.navigate", session, url=url)
        deadline = time.monotonic() + PATIENCE_S
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            check(time.monotonic() < deadline, "the page did not load")
            self.events.append(self.receive())
        dom = self.call("Runtime.evaluate", session, expression="document.documentElement.outerHTML")["result"]["value"]
        said = [event["params"] for event in self.events
                if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
        asked = [event["params"]["request"]["url"] for event in self.events
                 if event.get("method") == "Network.requestWillBeSent"]
        self.call("Target.closeTarget", targetId=target)
        return dom, said, asked


class Numbers(html.parser.HTMLParser):
    """The text of every element with an id."""

    def __init__(self):
        super().__init__()
        self.open, self.texts = [], {}

    def handle_starttag(self, tag, attributes):
        if tag != "meta":  # the one element of the page without an end
            self.open.append((tag, dict(attributes).get("id")))

    def handle_endtag(self, tag):
        check(self.open and self.open.pop()[0] == tag, "unexpected end of", tag)

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


def check(condition, *what):
    if not condition:
        sys.exit("browser.py: " + " ".join(str(item) for item in what))


def same(shown, value, what):
    """The page rounds: to the digits that it shows the numbers must agree."""
    number = re.search(r"-?\d+(\.\d+)?", shown)
    check(number, what, "shows no number:", shown)
    digits = len((number.group(1) or ".")) - 1
    check(abs(float(number.group(0)) - value) <= 0.5 * 10**-digits + 1e-9, what, "shows", shown, "instead of", value)


def look(browser, folder):
    page = "file://" + os.path.join(os.path.abspath(folder), "report.html")
    dom, said, asked = browser.load(page)
    check(not said, "the console says", said)
    check(asked == [page], "the page asks for", asked)
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    numbers = Numbers()
    numbers.feed(dom)
    compare(numbers.texts, report)
    check("timeline-title" in numbers.texts and "<svg" in dom, "there is no picture")


def compare(texts, report):
    check(report["verdict"].upper() in texts["verdict"], "the verdict is", texts["verdict"])
    for name, value in report["measured"]["requests"].items():
        same(texts["requests-" + name.replace("_", "-")], value, "requests " + name)
    for index, objective in enumerate(report["objectives"]):
        shown, value = texts[f"achieved-{index}"], objective["measured"]
        if value is None and objective["more_than"] is None:
            check("not measured" in shown, objective["text"], "shows", shown)
        else:
            same(shown, objective["more_than"] if value is None else value, objective["text"])
    rpo = report["measured"]["rpo"]
    for name in ("acknowledged", "lost", "lost_during_outage", "duplicated", "unknown_present", "unknown_absent"):
        if rpo[name] is not None:
            same(texts["writes-" + name.replace("_", "-")], rpo[name], name)


with tempfile.TemporaryDirectory(prefix="drill-browser-", ignore_cleanup_errors=True) as home:
    chrome = Browser(sys.argv[1], home)
    try:
        for name in sys.argv[2:]:
            look(chrome, name)
    finally:
        chrome.close()
