#!/usr/bin/env python3
"""Checks the unpacked bundle in this folder with nothing but Python and OpenSSL.

python3 verify.py [jwks.json [vkey]]

The two files are keys that you got from elsewhere; without them those of the
bundle are used, which come from whoever made it. Each check is named. The exit
status is 0 if all hold.
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def load(name):
    with open(name, "rb") as f:
        return f.read()


def sha(data):
    return hashlib.sha256(data).digest()


def octets(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value):  # RFC 8785, for what stands in evidence
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def hold(what, ok):
    print("ok     " if ok else "FAILED ", what)
    if not ok:
        sys.exit(1)


def signed(key, signature, message):
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("k", bytes.fromhex("302a300506032b6570032100") + key), ("s", signature), ("m", message)):
            with open(os.path.join(d, name), "wb") as f:
                f.write(data)
        call = "openssl pkeyutl -verify -pubin -keyform DER -inkey k -rawin -in m -sigfile s"
        return subprocess.run(call.split(), cwd=d, capture_output=True).returncode == 0


def checkpoint(note, vkey):
    name, mark, packed = vkey.split("+", 2)
    body, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :].splitlines()
    for line in lines:
        dash, who, sig = line.split(" ")
        sig = base64.b64decode(sig)
        if who == name and sig[:4].hex() == mark:
            hold("checkpoint signed by " + name, signed(base64.b64decode(packed)[1:], sig[4:], body.encode()) and body.startswith(name + "\n"))
            return int(body.split("\n")[1]), base64.b64decode(body.split("\n")[2])
    hold("checkpoint signed by " + name, False)


def included(file, index, leaf, vkey):
    head, note = load(file).decode().split("\n\n", 1)
    lines = [l for l in head.split("\n")[1:] if not l.startswith("extra ")]
    size, root = checkpoint(note, vkey)
    fn, sn, r = index, size - 1, sha(b"\0" + leaf)
    for p in (base64.b64decode(l) for l in lines[1:]):
        if fn & 1 or fn == sn:
            r = sha(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    hold("in the log: " + file, lines[0] == "index %d" % index and index < size and sn == 0 and r == root)


present = sorted(os.path.relpath(os.path.join(d, f), ".").replace(os.sep, "/") for d, _, fs in os.walk(".") for f in fs)
listed = dict(reversed(line.split("  ", 1)) for line in load("MANIFEST").decode().splitlines())
hold("MANIFEST names every file", sorted(listed) + ["MANIFEST"] == sorted(listed) + [n for n in present if n not in listed])
for name, digest in listed.items():
    if sha(load(name)).hex() != digest:
        hold("digest of " + name, False)
hold("MANIFEST has the digest of every file", True)

receipt = json.loads(load("receipt.json"))
core = receipt["core"]
hold("receipt.json is as it was given out", canonical(receipt) == load("receipt.json"))


def commitment(half):
    if half not in receipt:
        return octets(receipt["commitments"][half])
    return sha(octets(receipt["salts"][half]) + canonical(receipt[half]))


leaf = sha(b"consent/v1\n" + commitment("core") + commitment("personal"))
hold("record, salts and leaf belong together", leaf == octets(receipt["leaf"]["hash"]) and core["id"] == receipt["id"])
keys = json.loads(load(sys.argv[1] if len(sys.argv) > 1 else "keys/jwks.json"))["keys"]
key = [k["x"] for k in keys if base64.urlsafe_b64encode(sha(canonical({"crv": "Ed25519", "kty": "OKP", "x": k["x"]}))).decode().rstrip("=") == receipt["key_id"]]
hold("the key is among those given", len(key) == 1)
hold("signature", signed(octets(key[0]), octets(receipt["signature"]), b"volenti receipt v1\n" + leaf))

experience = json.loads(load("shown/experience.json"))
hold("experience", sha(load("shown/experience.json")).hex() == core["experience"] and experience["notice"] == core["notice"])
asked = "shown/page.html" if "shown/page.html" in listed else "shown/script.js"
for what, name in (("notice", "shown/notice.json"), ("wording", "shown/wording.json"), ("tags", "shown/tags.json"), ("law", "shown/law.json"), ("script", asked)):
    hold(name, sha(load(name)).hex() == experience[what])
for name in present:
    if name.startswith("shown/modules/"):
        hold(name, name == "shown/modules/%s.js" % sha(load(name)).hex())
hold("row of the law", json.loads(load("shown/law.json"))["id"] == core["law"])
if "shown/token.txt" in listed:
    hold("token", sha(load("shown/token.txt")).hex() == core["token"])

vkey = load(sys.argv[2] if len(sys.argv) > 2 else "log/vkey").decode().strip()
hold("policies are those of the experience", {k: p["digest"] for k, p in core["policies"].items()} == experience["policies"])
for policy, named in core["policies"].items():
    before = None
    for n in range(1, named["number"] + 1):
        at = "policies/%s/%d/" % (policy, n)
        link = json.loads(load(at + "entry.json"))
        entry = canonical(link["entry"])
        ok = sha(entry).hex() == link["digest"] and link["entry"].get("previous") == before and link["entry"]["number"] == n
        entered = sha(b"policy-version/v1\n" + sha(octets(link["salts"]["core"]) + entry) + sha(octets(link["salts"]["personal"])))
        hold("entry of version %d of %s" % (n, policy), ok and entered == octets(link["leaf"]["hash"]))
        before = link["digest"]
    hold("text of " + policy, sha(load(at + "text.json")).hex() == named["digest"] == link["entry"]["digest"])
    for name in present:
        if name.startswith(at) and "original." in name and "original" in link["entry"]:
            language = name[len(at) :].split("original.")[0].rstrip(".")
            want = link["entry"]["originals"][language] if language else link["entry"]["original"]
            hold("imported file " + name, sha(load(name)).hex() == want)
    included(at + "entry.tlog-proof", link["leaf"]["index"], entered, vkey)

hold("log/checkpoint is that of the proof", load("log/receipt.tlog-proof").split(b"\n\n", 1)[1] == load("log/checkpoint"))
included("log/receipt.tlog-proof", receipt["leaf"]["index"], leaf, vkey)
print("\nAll checks hold. README.txt says what that proves, and what it does not.")
