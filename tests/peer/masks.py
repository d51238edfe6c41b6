"""What is trained on, reckoned anew with Jinja2 and compared with what ft makes of it.

	masks.py MASKS KNOWN DIR... [TEMPLATE.jinja...]

MASKS is the program of masks.c. A DIR holds a tokenizer and its template; a template alone is given a tokenizer of bytes, which has
the template's own markers as tokens. Each template gets every conversation below, in which each text (an answer, its reasoning, the
name and the arguments of a call, what a tool gave ...) is a word of its own. The definition, for each answer that is trained on:

	it begins where the prompt for it ends (the messages before it, rendered with the generation prompt);
	it ends with the first token that ends a turn behind its last word;
	where the template writes the prompt otherwise than what stands before the answer later, the words of the answer are within what
	is trained on, and nothing but a part of the prompt stands before them in its turn;
	no word of any other message is trained on.

What is said to be lost must be the words that Jinja2's text does not have. The form of the messages is the one (arguments as object or
text; developer or system; a name of the reasoning) in which the template writes the most words. A refusal is counted with its reason.
Prints a line for each template and for each disagreement; those in KNOWN (template, conversation, reason) are counted as such.
"""
import collections, copy, itertools, json, os, re, subprocess, sys, tempfile
from datetime import datetime, timezone
import jinja2
from jinja2.sandbox import SandboxedEnvironment
from jinja2.ext import loopcontrols
from templates import Generation, fail, tojson
NOW = 1700000000
NAMES = ["reasoning_content", "reasoning", "thinking"]
MARKER = re.compile(r"<\|[\w/ .▁-]{1,40}\|>|<｜[^｜\n]{1,40}｜>|\[/?[A-Z][A-Z_]{2,}\]|</?s>|<(?:start|end)_of_turn>|<\|?turn\|?>|<(?:bos|eos)>"
                    r"|</?(?:think|tool_call|tool_calls|tool_response|tools)>|<SPECIAL_\d+>|<extra_id_\d+>|\[e~\[|\]~b\]|\]~!b\[")

# --- conversations ---

def conversations(word):
    """word(kind) gives a new word."""
    u = lambda: {"role": "user", "content": word("u")}
    a = lambda **k: {"role": "assistant", "content": word("a"), **k}
    s = lambda role="system": {"role": role, "content": word("s")}
    ids = itertools.count(1)
    def call(text=False):
        args = {"p": word("c")}
        return {"id": "callid%03d" % next(ids), "type": "function", "function": {"name": "fn_" + word("n"), "arguments": json.dumps(args) if text else args}}
    def calls(n=1, text=False, **k):
        return {"role": "assistant", "content": k.pop("content", None), "tool_calls": [call(text) for _ in range(n)], **k}
    def result(c, i=0):
        c = c["tool_calls"][i]
        return {"role": "tool", "tool_call_id": c["id"], "name": c["function"]["name"], "content": word("t")}
    tools = lambda: [{"type": "function", "function": {"name": "fn_" + word("d"), "description": word("d"),
        "parameters": {"type": "object", "properties": {"p": {"type": "string", "description": word("d")}}, "required": ["p"]}}}]
    rows = {}
    def row(name, *messages, **k): rows[name] = {"messages": list(messages), **k}
    row("one turn", u(), a())
    row("two turns", u(), a(), u(), a())
    row("system", s(), u(), a())
    row("system, two turns", s(), u(), a(), u(), a())
    row("developer", s("developer"), u(), a())
    row("ends with user", u(), a(), u())
    row("parts", {"role": "user", "content": [{"type": "text", "text": word("u")}, {"type": "text", "text": word("u")}]}, {"role": "assistant", "content": [{"type": "text", "text": word("a")}]})
    row("null members", u(), a(tool_calls=[], name=None, refusal=None, function_call=None, audio=None))
    row("refusal", u(), {"role": "assistant", "content": None, "refusal": word("a")})
    row("tools unused", u(), a(), tools=tools())
    c = calls(); row("call", u(), c, tools=tools())
    c = calls(text=True); row("call, text", u(), c, tools=tools())
    c = calls(); row("call, no tools", u(), c)
    c = calls(content=word("a")); row("call with content", u(), c, tools=tools())
    c = calls(); del c["content"]; row("call without content", u(), c, tools=tools())
    c = calls(content=""); row("call, empty content", u(), c, tools=tools())
    c = calls(2); row("parallel", u(), c, tools=tools())
    c = calls(2, text=True, content=word("a")); row("parallel with content", u(), c, tools=tools())
    c = calls(); row("call and result", u(), c, result(c), a(), tools=tools())
    c = calls(text=True); row("call and result, system", s(), u(), c, result(c), a(), tools=tools())
    c = calls(2); row("parallel and results", u(), c, result(c), result(c, 1), a(), tools=tools())
    c = calls(content=word("a")); row("call with content, result", u(), c, result(c), a(), tools=tools())
    c = calls(); row("call, result, next turn", u(), c, result(c), a(), u(), a(), tools=tools())
    c, d = calls(), calls(); row("two calls in a row", u(), c, result(c), d, result(d), a(), tools=tools())
    c, d = calls(), calls(); row("calls in two turns", u(), c, result(c), a(), u(), d, result(d), a(), tools=tools())
    c = calls(); row("ends with call", u(), a(), u(), c, tools=tools())
    c = calls(); row("ends with result", u(), c, result(c), tools=tools())
    for n in NAMES:
        row(n, u(), a(**{n: word("r")}))
        row(n + ", two turns", u(), a(**{n: word("r")}), u(), a(**{n: word("r")}))
        c = calls(**{n: word("r")}); row(n + ", call", u(), c, result(c), a(**{n: word("r")}), tools=tools())
    c = calls(content=word("a"), reasoning=word("r")); row("reasoning, content, call", u(), c, tools=tools())
    row("reasoning in the first turn alone", u(), a(reasoning=word("r")), u(), a())
    row("think in content", u(), {"role": "assistant", "content": "<think>\n" + word("r") + "\n</think>\n\n" + word("a")})
    f = {"role": "assistant", "content": None, "function_call": {"name": "fn_" + word("n"), "arguments": json.dumps({"p": word("c")})}}
    row("function_call", u(), f, functions=[t["function"] for t in tools()])
    f = copy.deepcopy(f); f["function_call"] = {"name": "fn_" + word("n"), "arguments": json.dumps({"p": word("c")})}
    row("function_call and result", u(), f, {"role": "function", "name": f["function_call"]["name"], "content": word("t")}, a(), functions=[t["function"] for t in tools()])
    row("weight 0 first", u(), a(weight=0), u(), a())
    row("weight 0 last", u(), a(), u(), a(weight=0))
    row("weight 0.5", u(), a(weight=0.5), u(), a())
    c = calls(weight=0); row("weight 0 of a call", u(), c, result(c), a(), tools=tools())
    c = calls(); row("weight 0 behind a call", u(), c, result(c), a(weight=0), tools=tools())
    row("train false", u(), a(train=False), u(), a())
    c = calls(reasoning=word("r")); turns = [s(), u(), a(reasoning=word("r")), u(), c, result(c), a(reasoning=word("r"))]
    ts = tools()
    for i, m in enumerate(turns):
        if m["role"] == "assistant": row("unrolled %d" % i, *turns, tools=ts, upto=i + 1, last_only=True)
    row("last turn", u(), a(), u(), a(), last_only=True)
    # by another hand
    row("two systems", s(), s(), u(), a())
    row("system later", u(), a(), s(), u(), a())
    row("two users", u(), u(), a())
    row("two answers", u(), a(), a())
    row("answer first", a(), u(), a())
    row("answer first, system", s(), a(), u(), a())
    row("empty answer first", u(), {"role": "assistant", "content": ""}, u(), a())
    row("blank around", u(), {"role": "assistant", "content": "\n  " + word("a") + "  \n"}, u(), {"role": "assistant", "content": "  " + word("a") + "\n\n"})
    row("many lines", u(), {"role": "assistant", "content": word("a") + "\n\n---\n\n" + word("a") + "\n"}, u(), a())
    row("answer repeats the question", {"role": "user", "content": "hello there"}, {"role": "assistant", "content": "hello there " + word("a")}, u(), a())
    row("names", {"role": "user", "name": "bob", "content": word("u")}, {"role": "assistant", "name": "al", "content": word("a")})
    row("timestamps", {"role": "user", "content": word("u"), "timestamp": 1}, a(timestamp=2, id="m1", metadata={"k": 1}))
    c = calls(3); row("three calls, results", u(), c, result(c), result(c, 1), result(c, 2), a(), tools=tools())
    c = calls(); c["tool_calls"][0]["function"]["arguments"] = {"p": word("c"), "q": {"r": [1, 2.5, None, True], "s": word("c")}, "t": "a \"q\" \\ \n é 😀"}; row("deep arguments", u(), c, result(c), a(), tools=tools())
    c = calls(); c["tool_calls"][0]["function"]["arguments"] = {}; row("no arguments", u(), c, result(c), a(), tools=tools())
    c = calls(); c["tool_calls"][0]["function"]["arguments"] = "{}"; row("no arguments, text", u(), c, result(c), a(), tools=tools())
    c = calls(text=True); c["tool_calls"][0]["function"]["arguments"] = " { \"p\" : \"" + word("c") + "\" } "; row("spaced arguments", u(), c, result(c), a(), tools=tools())
    c = calls(); r = result(c); r["content"] = [{"type": "text", "text": word("t")}]; row("result in parts", u(), c, r, a(), tools=tools())
    c = calls(); r = result(c); r["content"] = json.dumps({"k": word("t")}); row("result in JSON", u(), c, r, a(), tools=tools())
    c = calls(); r = result(c); del r["name"]; row("result without name", u(), c, r, a(), tools=tools())
    c = calls(2); row("results the other way", u(), c, result(c, 1), result(c), a(), tools=tools())
    c = calls(); row("call, result, system", s(), u(), c, result(c), s(), a(), tools=tools())
    c = calls(); row("call, result, user", u(), c, result(c), u(), a(), tools=tools())
    c = calls(); c["tool_calls"][0]["index"] = 0; row("call with index", u(), c, result(c), a(), tools=tools())
    c = calls(refusal=None, audio=None, annotations=[]); row("dump of an SDK", u(), c, result(c), a(refusal=None, annotations=[], audio=None, tool_calls=None, function_call=None), tools=tools())
    c = calls(reasoning=""); row("empty reasoning", u(), c, result(c), a(reasoning_content=""), tools=tools())
    row("reasoning null", u(), a(reasoning=None, reasoning_content=None))
    row("reasoning twice", u(), a(reasoning=word("r")), u(), a(reasoning=word("r")), u(), a())
    row("reasoning many lines", u(), a(reasoning=word("r") + "\n\n" + word("r")), u(), a())
    row("think unclosed", u(), {"role": "assistant", "content": word("a") + " <think> " + word("a")})
    row("think in user", {"role": "user", "content": "<think>" + word("u") + "</think>"}, a())
    row("developer and system", s(), s("developer"), u(), a())
    row("developer later", u(), a(), s("developer"), u(), a())
    c, d, e = calls(), calls(2), calls(); row("agent", s(), u(), c, result(c), d, result(d), result(d, 1), e, result(e), a(), u(), a(), tools=tools())
    c = calls(content=word("a")); row("agent, weights", s(), u(), c, result(c), a(weight=0), u(), a(weight=1), tools=tools())
    row("four turns", u(), a(), u(), a(), u(), a(), u(), a())
    row("weight 0 in the middle", u(), a(), u(), a(weight=0), u(), a())
    return rows

def all_rows():
    out = {}
    for name, form in (("", "quaint%sword%d"), ("short ", "Q%s%d")):
        count = itertools.count(10)
        for k, v in conversations(lambda kind: form % (kind, next(count)) + "z").items(): out[name + k] = v
    return out

def words_of(v):
    return re.findall(r"(?:quaint|Q)[a-z](?:word)?\d+z", json.dumps(v))

# --- the form that a template takes ---

def normal(row, as_text, system, name, null):
    row = copy.deepcopy(row); answered = None
    for n, m in enumerate(row["messages"]):
        for k in [k for k, v in m.items() if v is None and k != "content" or k in ("weight", "train")] + (["tool_calls"] if m.get("tool_calls") == [] else []): m.pop(k, None)
        if isinstance(m.get("content"), list): m["content"] = "".join(p["text"] for p in m["content"])
        if "function_call" in m:
            m["tool_calls"] = [{"id": "call%05d" % (n + 1), "type": "function", "function": m.pop("function_call")}]; answered = m["tool_calls"][0]["id"]
        if m["role"] == "function": m.update(role="tool", tool_call_id=answered)
        if "refusal" in m: m["content"] = m.pop("refusal")
        if not m.get("content"): m["content"] = None if null and m.get("tool_calls") else ""
        if m["role"] == "developer" and system: m["role"] = "system"
        for r in [r for r in NAMES if r in m]: m[name] = m.pop(r)
        for c in m.get("tool_calls", []):
            args = c["function"]["arguments"]
            if as_text and not isinstance(args, str): c["function"]["arguments"] = json.dumps(args)
            if not as_text and isinstance(args, str): c["function"]["arguments"] = json.loads(args)
    tools = row.get("tools") or [{"type": "function", "function": f} for f in row.get("functions", [])]
    return row["messages"], tools or None

env = SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = fail
env.globals["strftime_now"] = lambda f: datetime.fromtimestamp(NOW, timezone.utc).strftime(f)

class Template:
    def __init__(self, source, tokens):
        self.t = env.from_string(source); self.tokens = tokens
        self.none = {"tools": None}
        if self.try_([{"role": "user", "content": "x"}], None, False) is None: self.none = {}

    def render(self, messages, tools, generate):
        return self.t.render(messages=messages, documents=None, add_generation_prompt=generate, **({"tools": tools} if tools else self.none), **self.tokens)

    def try_(self, *args):
        try: return self.render(*args)
        except Exception: return None

    def forms(self, row):
        """The forms that show the most words: [(text, messages, tools)]; none where no form can be rendered."""
        found, most = [], -1
        row = {**row, "messages": row["messages"][:row.get("upto")]}
        for form in itertools.product((False, True), (False, True), NAMES, (False, True)):
            messages, tools = normal(row, *form)
            if any(messages == f[1] for f in found): continue
            if (text := self.try_(messages, tools, False)) is None: continue
            n = sum(w in text for w in set(words_of(row)))
            if n > most: found, most = [], n
            if n == most: found.append((text, messages, tools))
        return found

# --- tokenizers ---

def byte_chars():
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]; n = 0; out = {}
    for b in range(256):
        if b in own: out[b] = chr(b)
        else: out[b] = chr(256 + n); n += 1
    return out

U, A = {"role": "user", "content": "quaintu1z"}, {"role": "assistant", "content": "quainta2z"}
def end_of_turn(t):
    """The last marker behind an answer that stands there whether a question follows or not, and begins no turn."""
    one, two = (t.try_(m, None, False) or "" for m in ([U, A], [U, A, U]))
    if A["content"] not in one: return None
    one, two = (x.partition(A["content"])[2] for x in (one, two))
    if two.endswith(U["content"]) is False: two = two[:two.rfind(U["content"])] if U["content"] in two else two
    asked, told = t.try_([U], None, True) or "", t.try_([U], None, False) or ""
    begins = set(MARKER.findall(asked[len(told):])) if asked.startswith(told) else set()
    markers = [m.group() for m in MARKER.finditer(one) if m.end() <= shared(one, two) and m.group() not in begins and (t.try_([U], None, True) != t.try_([U], None, False) or m.start() == 0)]
    return markers[-1] if markers else (MARKER.findall(one) or [None])[0]

def write_tokenizer(where, source):
    """Bytes, and the markers of the template; EOS is the one that ends an answer."""
    markers = list(dict.fromkeys(MARKER.findall(source)))
    t = Template(source, {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>", "unk_token": "<|unk|>"})
    text = t.try_([U, A], None, False) or ""
    eos = end_of_turn(t) or "<|eos|>"
    markers = list(dict.fromkeys(markers + MARKER.findall(text) + ["<|bos|>", "<|eos|>", "<|pad|>", "<|unk|>"]))
    special = lambda m: not re.match(r"</?(think|tool)|<\|/?(think|tool|channel|message|START|python|begin_of_|inner|constrain)|<｜tool|\[(TOOL|ARGS|CALL|THINK|/)", m)
    added = [{"id": 256 + i, "content": m, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special(m)} for i, m in enumerate(markers)]
    level = lambda: {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    json.dump({"version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": level(), "post_processor": None, "decoder": level(),
        "model": {"type": "BPE", "vocab": {c: b for b, c in byte_chars().items()}, "merges": []}}, open(where + "/tokenizer.json", "w"))
    json.dump({"bos_token": "<|bos|>", "eos_token": eos, "pad_token": "<|pad|>", "unk_token": "<|unk|>", "chat_template": source}, open(where + "/tokenizer_config.json", "w"))

# --- comparison ---

def shared(a, b):
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]: n += 1
    return n

def parts_of(got):
    text, ranges = "", []
    for weight, part in got["parts"]:
        if weight: ranges.append((len(text), len(text) + len(part), weight))
        text += part
    return text, ranges

def compare(t, stops, row, got, form):
    """"" where what is trained on is what the definition says, else what differs."""
    text, messages, tools = form
    count = row.get("upto", len(messages))
    weights = [0 if m["role"] != "assistant" or m.get("train") is False or (row.get("last_only") and i + 1 < count) else m.get("weight", 1) for i, m in enumerate(row["messages"][:count])]
    trained = [i for i, w in enumerate(weights) if w]
    have, ranges = parts_of(got)
    if not trained: return "something is trained on" if ranges else ""
    last = trained[-1]
    full = t.render(messages[:last + 1], tools, False)
    prompt = t.try_(messages[:last], tools, True)
    bos = t.tokens.get("bos_token") or ""
    if not have.startswith(bos) or full.startswith(bos): bos = ""
    have_rest = have[len(bos):]
    if not full.startswith(have_rest.rstrip()) and have_rest.startswith(" ") and not full.startswith(" "): bos += " "; have_rest = have_rest[1:]
    shift = len(bos)
    ranges = [(max(0, b - shift), e - shift, w) for b, e, w in ranges]; have = have_rest
    if have != full:
        if got["eos_added"] and have.endswith(t.tokens["eos_token"]) and full.startswith(have[:-len(t.tokens["eos_token"])]): pass
        elif prompt and have.startswith(prompt) and not full.startswith(prompt): pass  # put behind its own prompt
        else: return "the text differs: %r" % have[max(0, shared(have, full) - 30):][:120]
    if len(have) < len(full) and not got["eos_added"] and full.startswith(have): return "the text is cut"
    rebuilt = have != full and not got["eos_added"]
    used, empty = [], 0
    mine = {i: set(words_of(messages[i])) & set(re.findall(r"(?:quaint|Q)[a-z](?:word)?\d+z", have)) for i in range(last + 1)}
    for i in trained:
        # The name of a call may stand with its result too.
        places = [m.span() for w in mine[i] for m in list(re.finditer(re.escape(w), have))[:1 if re.match("(quaint|Q)n", w) else None]]
        if not places:  # which is named as a loss; an empty turn may be left
            empty += 1
            continue
        first = min(p[0] for p in places); final = max(p[1] for p in places)
        hit = [r for r in ranges if r[0] <= first and r[1] >= final]
        if len(hit) != 1: return "turn %d: words %s outside what is trained on: %r" % (i, sorted(mine[i]), [have[b:e] for b, e, _ in ranges])
        b, e, w = hit[0]; used.append(hit[0])
        if w != weights[i]: return "turn %d: weight %g" % (i, w)
        before, prompt = t.try_(messages[:i], tools, False), t.try_(messages[:i], tools, True)
        if prompt is not None and have.startswith(prompt):
            # A prompt that is the conversation alone says nothing of a header.
            if b != len(prompt) and not (prompt == before and b > len(prompt)): return "turn %d begins at %r, its prompt ends in %r" % (i, have[b:b + 40], prompt[-40:])
        elif rebuilt and i == last: return "turn %d is not behind its prompt" % i
        elif prompt is not None and before is not None and have.startswith(before) and prompt.startswith(before):
            if not prompt.startswith(have[:b]) or b < len(before): return "turn %d begins at %r, its prompt is %r" % (i, have[b:b + 40], prompt[len(before):])
        # The end: the first token that ends a turn, behind its words and before those of others.
        nexts = [m.start() for k in mine if k > i for w_ in mine[k] - mine[i] for m in re.finditer(re.escape(w_), have)]
        limit = min([n for n in nexts if n >= final], default=len(have))
        ends = [have.find(s, final, limit) + len(s) for s in stops if have.find(s, final, limit) >= 0]
        if ends and e != min(ends): return "turn %d ends with %r, and goes on %r" % (i, have[final:e], have[e:e + 30])
        if not ends: loose.append((i, have[final:e], have[e:e + 30]))
        for k in mine:
            if k != i and any(b <= m.start() < e for w_ in mine[k] - mine[i] for m in re.finditer(re.escape(w_), have)): return "turn %d: words of message %d are trained on" % (i, k)
    if len(used) != len(set(used)): return "two turns in one range"
    spare = [r for r in ranges if r not in used]
    if any(w in have[b:e] for b, e, _ in spare for k in mine for w in mine[k]): return "words of no turn are trained on"
    if not len(used) <= len(ranges) <= len(used) + empty: return "%d ranges for %d turns: %r" % (len(ranges), len(used), [have[b:e] for b, e, _ in spare])
    return ""

def lost_of(row, form, t):
    """Message, reasoning, calls, tools: the first message (from 1) whose words the text does not have."""
    _, messages, tools = form
    count = row.get("upto", len(messages))
    text = t.render(messages[:count], tools, False)
    out = [0, 0, 0, 0]
    for i, (m, raw) in enumerate(zip(messages[:count], row["messages"])):
        missing = lambda v: any(w not in text for w in words_of(v))
        content = m.get("content") or ""
        inner = re.match(r"(?s)<think>.*</think>", content); thought = inner.group() if inner else ""
        if missing(content[len(thought):]): out[0] = out[0] or i + 1
        if (i + 1 == count or not row.get("last_only")) and missing([m.get(n, "") for n in NAMES] + [thought]): out[1] = out[1] or i + 1
        if missing([c["function"] for c in m.get("tool_calls", [])]): out[2] = out[2] or i + 1
    if tools and not any(w in text for w in words_of(tools)): out[3] = 1
    return out

loose = []
binary, known_file, *places = sys.argv[1:]
known = collections.defaultdict(dict)
for line in open(known_file):
    if not line.startswith("#"): n, conversation, reason = line.rstrip("\n").split("\t"); known[n][conversation] = reason
rows = all_rows()
total = collections.Counter(); refusals = collections.Counter(); bad = 0
for place in places:
    with tempfile.TemporaryDirectory() as where:
        if os.path.isdir(place): where = place; label = os.path.basename(os.path.dirname(os.path.abspath(place)))
        else:
            label = os.path.basename(place)
            try: write_tokenizer(where, open(place, newline="").read())
            except jinja2.exceptions.TemplateSyntaxError as e: print("# %s: Jinja2 cannot read it: %s" % (label, e)); continue
        config = json.load(open(where + "/tokenizer_config.json"))
        if not isinstance(config.get("chat_template"), str): continue
        name_of = lambda v: v["content"] if isinstance(v, dict) else v
        t = Template(config["chat_template"], {k: name_of(config[k]) for k in ("bos_token", "eos_token", "pad_token", "unk_token") if config.get(k)})
        stops = {s for s in (end_of_turn(t), t.tokens.get("eos_token")) if s}
        run = subprocess.run([binary, where], input="".join(json.dumps(r) + "\n" for r in rows.values()), capture_output=True, text=True)
        if run.returncode: print("not ok - %s: %s" % (label, run.stderr.strip())); bad += 1; continue
    here = collections.Counter()
    for (name, row), line in zip(rows.items(), run.stdout.splitlines()):
        got = json.loads(line); forms = t.forms(row); why = ""
        if "error" in got:
            kind = "refused by the template" if not forms else "refused"
            if forms: refusals[re.sub(r"message \d+", "message N", re.sub(r'"[^"]*"', '"..."', got["error"]))[:110]] += 1
            if forms and os.environ.get("REFUSALS"): print("# refused: %s: %s: %s" % (label, name, got["error"][:200]))
        elif not forms: kind, why = "bad", "Jinja2 refuses it"
        else:
            whys = []
            for form in forms:
                w = compare(t, stops, row, got, form); l = lost_of(row, form, t)
                if not w and l != got["lost"]: w = "lost is %s, not %s" % (got["lost"], l)
                whys.append(w)
            why = "" if "" in whys else whys[0]
            kind = "bad" if why else "with a loss named" if any(got["lost"]) else "equal"
        if kind == "bad" and {name.removeprefix("short "), "*"} & set(known[label]): kind = "listed"
        if kind == "bad": print("not ok - %s: %s: %s" % (label, name, why))
        here[kind] += 1
    total += here; bad += here["bad"]; total["templates"] += 1
    if os.environ.get("EACH"): print("# %s: %s" % (label, dict(here)))
print("# " + json.dumps(total))
for k, n in refusals.most_common(): print("# %5d refused: %s" % (n, k))
if os.environ.get("LOOSE"):
    for k, n in collections.Counter((a, b) for _, a, b in loose).most_common(40): print("# loose", n, k)
sys.exit(bad > 0)
