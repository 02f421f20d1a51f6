"""What a program in Python does with two agents: argv has their ports, then the protocol."""
import sys
import time

import redis

a, b = (redis.Redis(port=int(p), protocol=int(sys.argv[3]), decode_responses=True) for p in sys.argv[1:3])


def soon(read, want):
    """Wait until another agent has it, ten seconds at most."""
    end = time.monotonic() + 10
    while (got := read()) != want:
        assert time.monotonic() < end, f"{got!r}, want {want!r}"


def refused(call, word):
    try:
        call()
    except redis.ResponseError as e:
        assert word in str(e), e
    else:
        raise AssertionError(f"not refused: {word}")


assert a.ping() and a.echo("x") == "x"
events = b.pubsub()
events.psubscribe("__keyevent@0__:*")
assert events.get_message(timeout=5)["type"] == "psubscribe"
assert a.set("color", "green")
assert a.wait(1, 5000) == 1
soon(lambda: b.get("color"), "green")
assert b.set("color", "red", nx=True) is None
assert b.set("color", "red", xx=True, get=True) == "green"
soon(lambda: a.get("color"), "red")
assert a.set("short", "v", px=60000) and 59000 < a.pttl("short") <= 60000 and a.ttl("short") == 60
assert a.expire("short", 120, gt=True) and a.persist("short") and a.ttl("short") == -1 and a.ttl("none") == -2
assert a.getex("short", ex=30) == "v" and a.ttl("short") == 30 and a.getdel("short") == "v"
for r in a, b:
    r.incr("hits", 21)
soon(lambda: a.get("hits"), "42")
soon(lambda: b.get("hits"), "42")
assert b.decr("hits", 2) == 40
refused(lambda: a.incr("color"), "not an integer")
pipe = a.pipeline(transaction=False)
for i in range(100):
    pipe.set(f"p{i}", i)
assert all(pipe.execute())
assert a.mget("p1", "p2", "none") == ["1", "2", None]
assert sorted(a.scan_iter("p*", count=7)) == sorted(f"p{i}" for i in range(100))
assert a.mset({"m1": 1, "m2": 2}) and a.exists("m1", "m2", "m3") == 2 and a.delete("m1", "m2") == 2
assert a.type("color") == "string" and a.strlen("color") == 3 and a.dbsize() > 100 and a.randomkey()
assert a.info()["cluster_enabled"] == 0 and a.config_get("save") == {"save": ""} and a.time()[0] > 0
assert a.client_setname("me") and a.client_getname() == "me" and a.client_id() > 0
member = a.info("cluster")["member"]
assert a.set(f"{member}/own", "mine") and a.hget(member, "own") == "mine" and a.hgetall(member)["own"] == "mine"
refused(lambda: b.set(f"{member}/own", "x"), "belongs to")
refused(lambda: a.execute_command("NOSUCH", "x"), "unknown command")
news = b.pubsub(ignore_subscribe_messages=True)
news.subscribe("news")
soon(lambda: b.pubsub_numsub("news"), [("news", 1)])
a.publish("news", "hello")
message = None
while message is None:
    message = news.get_message(timeout=5)
assert message["data"] == "hello", message


def told(event, key):
    """Read events until one comes, ten seconds at most."""
    end = time.monotonic() + 10
    while (m := events.get_message(timeout=1)) is None or (m["channel"], m["data"]) != (f"__keyevent@0__:{event}", key):
        assert time.monotonic() < end, f"no {event} of {key}"


for key in "gone", f"{member}/gone":
    a.set(key, "v")
    told("set", key)
    a.delete(key)
    told("del", key)
    a.set(key, "v", px=100)
    told("set", key)
    told("expired", key)
for i in range(100):
    a.delete(f"p{i}")
a.delete("hits", "color", f"{member}/own")
print("ok")
