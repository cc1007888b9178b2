"""What `dev.py demo` does: it serves a project, with a little traffic or looking at every door.

Only `talk` needs a library, and is run by the interpreter that has it.
"""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STOP_SECONDS = 30.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # http_proxy is not for here
WIDGET = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}


def say(words: str) -> None:
    """A line of progress."""
    print(f"→ {words}", flush=True)


def serve(python: Path, project: Path, data: Path, port: int, *, check: bool) -> int:
    """Serve it on `port`, its log in the folder `data`, until stopped or verified; exit status."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    log = f"sqlite:///{data / 'events.db'}"
    settings = {**clean, "APP_PORT": str(port), "APP_EVENT_LOG": log}
    url = f"http://127.0.0.1:{port}"
    service = subprocess.Popen([python, "-m", "app"], cwd=project, env=settings)
    try:
        wait_until_it_answers(service, url)
        if check:
            verify(python, url)
        else:
            say(f"open {url} in a browser; Ctrl-C ends it")
            simulate_traffic(service, url)
    except KeyboardInterrupt:
        pass
    except (Problem, OSError) as problem:
        print(f"✗ {problem}", file=sys.stderr)
        return 1
    finally:
        status = end(service)
    if status != 0:
        print(f"✗ the service ended with status {status}", file=sys.stderr)
        return 1
    say("verified and stopped" if check else "stopped")
    return 0


def end(service: subprocess.Popen[bytes], within: float = STOP_SECONDS) -> int:
    """Have it stop within so many seconds, or kill it; its exit status."""
    service.terminate()
    try:
        return service.wait(timeout=within)
    except subprocess.TimeoutExpired:
        service.kill()
        return service.wait()


class Problem(Exception):
    """What the demo found to be wrong."""


def wait_until_it_answers(service: subprocess.Popen[bytes], url: str) -> None:
    """Return when the service is ready; raise Problem when it ends or takes too long."""
    for _ in range(300):
        if service.poll() is not None:
            raise Problem(f"the service ended with status {service.returncode}")
        with contextlib.suppress(OSError):
            if ask(f"{url}/health/ready")[0] == 200:
                return
        time.sleep(0.05)
    raise Problem(f"the service did not answer at {url}")


def ask(url: str, body: object = None) -> tuple[int, bytes]:
    """GET, or POST of JSON; the status and what came back."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with OPENER.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def verify(python: Path, url: str) -> None:
    """Look at every door once; raise Problem at the first thing that is not as it should be."""
    status, body = ask(f"{url}/health")
    expect(status == 200 and body == b"ok", "GET /health", body)
    status, body = ask(f"{url}/")
    expect(status == 200 and b"<html" in body, "GET /", body)
    status, body = ask(f"{url}/api/v1/orders", {"customer_id": "cust-123", "items": [WIDGET]})
    expect(status == 201, "POST /api/v1/orders", body)
    order_id = json.loads(body)["order_id"]
    status, body = ask(f"{url}/api/v1/orders/{order_id}")
    expect(status == 200 and json.loads(body)["total_cents"] == 3998, "GET an order", body)
    talk = [python, __file__, url.replace("http", "ws", 1) + "/api/v1/ws"]
    said = subprocess.run(talk, capture_output=True, text=True, timeout=30)
    expect(said.returncode == 0, "the WebSocket", (said.stdout + said.stderr).encode())


def expect(claim: bool, what: str, got: bytes) -> None:
    """Report a thing that works, or raise Problem with what came instead."""
    if not claim:
        raise Problem(f"{what} gave {got[:500].decode(errors='replace')}")
    say(f"{what}: as it should be")


def talk(url: str) -> int:
    """One conversation over the WebSocket, run by the interpreter that has its library."""
    from websockets.asyncio.client import connect

    async def conversation() -> None:
        async with asyncio.timeout(20), connect(url, proxy=None) as ws:
            action = {"PlaceOrder": {"customer_id": "cust-123", "items": [WIDGET]}}
            await ws.send(json.dumps({"type": "command", "action": action}))
            # What orders lead to next is heard in between, also of the order before.
            event = json.loads(await ws.recv())
            while "OrderPlaced" not in event["action"]:
                event = json.loads(await ws.recv())
            placed = event["action"]["OrderPlaced"]
            assert (placed["status"], placed["total_cents"]) == ("pending", 3998), event
            await ws.send('{"type":"ping"}')
            while await ws.recv() != '{"type":"pong"}':
                pass

    asyncio.run(conversation())
    return 0


def simulate_traffic(service: subprocess.Popen[bytes], url: str) -> None:
    """Customers who order and chat, an operator who ships, stocks and starts batches; no end."""
    products = [("tea", "Green tea", 450), ("mug", "Mug", 1290), ("pot", "Teapot", 3900)]
    open_orders: list[str] = []
    while service.poll() is None:
        product_id, name, price = random.choice(products)
        item = {"product_id": product_id, "name": name, "unit_price_cents": price}
        items = [{**item, "quantity": random.randint(1, 4)}]
        customer = random.choice(["ada", "grace", "alan", "edsger"])
        status, body = ask(f"{url}/api/v1/orders", {"customer_id": customer, "items": items})
        if status == 201:
            open_orders.append(json.loads(body)["order_id"])
        if len(open_orders) > 6:
            order = f"{url}/api/v1/orders/{open_orders.pop(0)}"
            if random.random() < 0.8:
                ask(f"{order}/ship", {"tracking_number": f"T{random.randrange(10**6):06}"})
            else:
                ask(f"{order}/cancel", {"reason": "changed my mind"})
        if random.random() < 0.2:
            ask(f"{url}/api/v1/inventory/{product_id}/stock", {"quantity": random.randint(5, 50)})
        if random.random() < 0.15:
            ask(f"{url}/api/v1/jobs", {"total_items": random.randint(200, 2000)})
        if random.random() < 0.3:
            text = random.choice(["hello", "who ships today?", "tea is low", "on it"])
            ask(f"{url}/api/v1/chat/shop/messages?user={customer}", {"text": text})
        time.sleep(random.uniform(0.5, 2))


if __name__ == "__main__":
    sys.exit(talk(sys.argv[1]))
